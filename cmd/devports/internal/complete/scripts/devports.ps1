# Completion of devports for PowerShell, in $PROFILE:
#   devports completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName devports -ScriptBlock {
    param($word, $line, $cursor)

    $words = @($line.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    # Before 7.3, PowerShell drops an empty word at the end.
    $given = if ($word -eq '') { @('--new', '--') + $words } else { @('--') + $words + $word }

    foreach ($answer in (devports complete @given 2>$null)) {
        $name, $about = $answer -split "`t", 2
        if ($name.StartsWith(':') -or -not $name.StartsWith($word)) { continue } # without candidates, PowerShell offers files
        $text = if ($name -match '^[\w./:=-]+$') { $name } else { "'" + $name.Replace("'", "''") + "'" }
        if (-not $about) { $about = $name }
        [System.Management.Automation.CompletionResult]::new($text, $name, 'ParameterValue', $about)
    }
}
