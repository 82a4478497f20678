@echo off
rem Starts Mesh for a classroom: for all machines of the network, data beside this file. Close the window to
rem stop it. A folder "editor" beside this file is served as well. Options of "mesh serve" may follow.
chcp 65001 > nul
title Mesh

rem Unlike cd, pushd also enters a folder of another machine (\\server\share): it gives it a drive letter.
pushd "%~dp0"
if errorlevel 1 goto unreachable
rem Opened inside of a ZIP file, Windows takes out this file alone.
if not exist mesh.exe goto zipped

set MORE=
if exist editor set MORE=--static editor
if not defined MESH_LISTEN set MESH_LISTEN=0.0.0.0:4000
mesh.exe serve --open %MORE% %*
goto end

:zipped
echo mesh.exe がありません。ZIP ファイルを右クリックして「すべて展開」を選び、出てきたフォルダーの start-mesh を開いてください。
echo There is no mesh.exe here. Right-click the ZIP file, choose "Extract All", and open start-mesh in the new folder.
goto end

:unreachable
echo このフォルダーを開けません。フォルダーをデスクトップなどにコピーして、もう一度ためしてください。
echo This folder cannot be entered. Copy it to the desktop, for example, and try again.

:end
echo この窓は閉じてかまいません。 You can close this window.
pause > nul
