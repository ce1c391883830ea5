# Runs one of the Python programs beside this file: `pwsh infra/hooks/hook.ps1 check_settings`.
# azd runs this on Windows, hook.sh on Linux and macOS; the logic is in Python, once.
param([Parameter(Mandatory)][string] $Program)

$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..' '..')

foreach ($python in '.venv/Scripts/python.exe', 'python3.13', 'python3', 'python') {
    if (-not (Get-Command $python -ErrorAction SilentlyContinue)) { continue }
    & $python -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>$null
    if ($LASTEXITCODE -ne 0) { continue }
    & $python -m "infra.hooks.$Program"
    exit $LASTEXITCODE
}

[Console]::Error.WriteLine('Python 3.13 or newer is needed to deploy, and none was found as python3.13, python3 or python.')
exit 1
