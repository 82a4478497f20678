/** Light or dark: as the system is set, until somebody chooses. */
import { say } from './speech.js';

const KEPT = 'mesh-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

/** Colours the page, and lets a button change that. */
export const startTheme = button => {
  const show = () => {
    const theme = localStorage.getItem(KEPT) ?? (system.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    if (button) say(button, theme === 'dark' ? 'light' : 'dark');
  };
  system.addEventListener('change', show);
  button?.addEventListener('click', () => {
    localStorage.setItem(KEPT, document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
    show();
  });
  show();
};
