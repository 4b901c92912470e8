#compdef devports
# Completion of devports for zsh: eval "$(devports completion zsh)",
# or as file _devports in a folder of $fpath.

_devports() {
    local line name start
    local -a suffix described
    for line in "${(@f)$(command devports complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        case $line in
        '') ;;
        :files)
            compset -P '--*='
            _files
            return
            ;;
        :command*)
            start=${line#:command }
            shift $start words
            (( CURRENT -= start ))
            _normal
            return
            ;;
        *)
            name=${line%%$'\t'*}
            [[ $name == *= ]] && suffix=(-S '')
            name=${${name//\\/\\\\}//:/\\:}
            [[ $line == *$'\t'* ]] && name+=:${line#*$'\t'}
            described+=($name)
            ;;
        esac
    done
    _describe -t devports devports described "${suffix[@]}"
}

if [[ $funcstack[1] == _devports ]]; then # autoloaded from $fpath
    _devports "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _devports devports
fi
