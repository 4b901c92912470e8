# Completion of devports for fish:
#   devports completion fish > ~/.config/fish/completions/devports.fish

function __devports_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in (command devports complete -- $words[2..-1] "$word" 2>/dev/null)
        switch $line
            case :files
                set -l parts (string match -r -- '^(--[^=]*=|)(.*)$' "$word")
                string replace -r -- '^' "$parts[2]" (complete -C "'' $parts[3]")
            case ':command *'
                set -l start (math (string split ' ' $line)[2] + 1)
                complete -C (string join ' ' -- (string escape -- $words[$start..-1]) "$word")
            case '*'
                echo $line
        end
    end
end

complete -c devports -f -a '(__devports_complete)'
