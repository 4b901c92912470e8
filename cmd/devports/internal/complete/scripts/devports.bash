# Completion of devports for bash, 3.2 and later: eval "$(devports completion bash)"

_devports() {
    local line start='' word=${COMP_WORDS[COMP_CWORD]} behind=${COMP_LINE:COMP_POINT}
    word=${word%"${behind%%[[:space:]=:@]*}"} # up to the cursor
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        '') ;;
        :files) compopt -o default 2>/dev/null ;;
        :command*) start=${line#:command } ;;
        *=) COMPREPLY+=("$line") && compopt -o nospace 2>/dev/null ;;
        *) COMPREPLY+=("$line") ;;
        esac
    done <<<"$(command devports complete --bash -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null)"

    if [[ -z $start ]]; then
        return
    elif declare -F _command_offset >/dev/null; then # of bash-completion
        _command_offset "$start"
    elif ((COMP_CWORD == start)) && [[ $word != */* ]]; then
        COMPREPLY=($(compgen -c -- "$word"))
    else
        compopt -o default 2>/dev/null
    fi
}

if [[ $(type -t compopt) == builtin ]]; then
    complete -F _devports devports
else # before bash 4, complete file names if there are no other candidates
    complete -o default -F _devports devports
fi
