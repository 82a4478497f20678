// TurboWarp's packager: a project becomes one page that runs without an editor and without a network.
import Packager from '@turbowarp/packager';

/** The page of a project whose extension is fetched now and packed into it, and whose cloud variables go to a host. */
export const pack = async (project, { compiler = true, cloudHost, projectId } = {}) => {
  const packager = new Packager.Packager();
  packager.project = await Packager.loadProject(project);
  packager.options.extensions = packager.project.analysis.extensions;
  packager.options.compiler.enabled = compiler;
  packager.options.cloudVariables.mode = cloudHost ? 'ws' : '';
  if (cloudHost) packager.options.cloudVariables.cloudHost = cloudHost;
  if (projectId) packager.options.projectId = projectId;
  // Otherwise the page waits for a click before it starts.
  packager.options.autoplay = true;
  const { data } = await packager.package();
  return data;
};
