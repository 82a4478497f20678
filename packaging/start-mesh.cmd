@echo off
rem Starts Mesh for a classroom: for all machines of the network, data beside this file. Close the window to
rem stop it. A folder "editor" beside this file is served as well.
cd /d "%~dp0"
title Mesh

rem Opens the board once the server answers; the key for it is the teacher's own.
start "" /b powershell -NoProfile -Command "for ($i = 0; $i -lt 10; $i++) { Start-Sleep 1; try { Invoke-WebRequest -UseBasicParsing http://127.0.0.1:4000/health | Out-Null; Start-Process ('http://127.0.0.1:4000/board/#key=' + (Get-Content mesh-data\admin-key)); break } catch {} }"

set MORE=
if exist editor set MORE=--static editor
mesh.exe serve --listen 0.0.0.0:4000 %MORE% %*

echo Mesh has stopped.
pause
