@echo off
rem Windows: start.bat; see README.md. Finds a Python that the kit was made for; start.py does the rest.
cd /d "%~dp0"
for %%v in (3.13 3.12 3.11) do (
  py -%%v start.py --suits >nul 2>&1 && set "FOUND=py -%%v" && goto run
)
python start.py --suits >nul 2>&1 && set "FOUND=python" && goto run
echo This kit needs Python in one of the versions that README.md names, and found none on this machine.
pause
exit /b 1
:run
%FOUND% start.py %*
if errorlevel 1 pause
