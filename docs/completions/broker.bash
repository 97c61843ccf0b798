# Completion of `broker` and `simplebroker` for bash: commands, options, and the names of queues in
# the database which -d and -f select. It never creates a database.
# shellcheck shell=bash

# Whether asking for the queues would only read: the reading commands create a missing database.
__broker_has_target() # __broker_has_target DIRECTORY FILE
{
    local directory=${1:-${BROKER_DEFAULT_DB_LOCATION:-.}} file=$2
    if [[ -z $file ]]; then
        case ${BROKER_PROJECT_SCOPE,,} in
            1 | true | yes | on) return 0 ;;
        esac
        [[ -e ${1:-.}/${BROKER_PROJECT_CONFIG_NAME:-.broker.toml} ]] && return 0
        file=${BROKER_DEFAULT_DB_NAME:-.broker.db}
    fi
    [[ $file == /* ]] || file=$directory/$file
    [[ -s $file ]]
}

__broker_queues() # __broker_queues PROGRAM DIRECTORY FILE
{
    __broker_has_target "$2" "$3" || return
    "$1" ${2:+-d "$2"} ${3:+-f "$3"} list 2>/dev/null
}

__broker_options() # __broker_options COMMAND [SUBCOMMAND]
{
    local bounds="--all --json -t --timestamps -m --message --after --before"
    case $1 in
        write) echo "-t --timestamps --json" ;;
        read | move) echo "$bounds" ;;
        peek) echo "$bounds --include-claimed" ;;
        watch) echo "--peek --move --after --json -t --timestamps" ;;
        delete) echo "--all -m --message" ;;
        broadcast) echo "-p --pattern --queue" ;;
        exists | stats) echo "--json" ;;
        list) echo "--stats --prefix -p --pattern --json" ;;
        rename) echo "--json --no-retarget-aliases" ;;
        dump) echo "--include --exclude" ;;
        load) echo "--force" ;;
        backup) echo "-q --quiet" ;;
        alias)
            case $2 in
                add) echo "-q --quiet" ;;
                list) echo "--target" ;;
            esac
            ;;
    esac
}

# Whether operand number N (from 1) of a command names an existing queue.
__broker_wants_queue() # __broker_wants_queue COMMAND N
{
    case $1:$2 in
        write:1 | read:1 | peek:1 | watch:1 | delete:1 | exists:1 | stats:1 | rename:1) return 0 ;;
        move:1 | move:2 | alias:3) return 0 ;;
    esac
    return 1
}

__broker_plain() # the text of a word as typed: without quotes, with the home directory
{
    local word=${1//[\"\'\\]/}
    printf '%s' "${word/#\~/$HOME}"
}

_broker()
{
    local commands="write read peek move delete broadcast list exists stats rename alias dump load
        backup init watch"
    local globals="-d --dir -f --file -q --quiet --version --status --json --vacuum --compact
        --cleanup -h --help"
    local cur=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]}
    local directory='' file='' command='' subcommand='' pending='' word i operands=0
    local queues=0 names=''

    program=$(__broker_plain "$program")
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=$(__broker_plain "${COMP_WORDS[i]}")
        [[ $word == "=" ]] && continue
        if [[ -n $pending ]]; then
            case $pending in
                -d | --dir) [[ $command ]] || directory=$word ;;
                -f | --file) [[ $command ]] || file=$word ;;
            esac
            pending=''
        elif [[ -z $command ]]; then
            case $word in
                -d | --dir | -f | --file) pending=$word ;;
                --dir=*) directory=${word#*=} ;;
                --file=*) file=${word#*=} ;;
                -d*) directory=${word#-d} ;;
                -f*) file=${word#-f} ;;
                -*) ;;
                *) command=$word ;;
            esac
        else
            case $word in
                -m | --message | --after | --before | --prefix | -p | --pattern | --queue | \
                    --include | --exclude | --target | --move) pending=$word ;;
                -*) ;;
                *)
                    operands=$((operands + 1))
                    [[ $command == alias && $operands -eq 1 ]] && subcommand=$word
                    ;;
            esac
        fi
    done
    [[ $cur == "=" ]] && cur=''

    if [[ -n $pending ]]; then
        case $pending in
            -d | --dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
            -f | --file) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
            --queue | --target | --move) queues=1 ;;
        esac
    elif [[ -z $command ]]; then
        case $cur in
            -*) names=$globals ;;
            *) names=$commands ;;
        esac
    elif [[ $cur == -* ]]; then
        names="$(__broker_options "$command" "$subcommand") -h --help"
    elif [[ $command == alias && $operands -eq 0 ]]; then
        names="add remove list"
    elif [[ $command == alias && $subcommand == remove && $operands -eq 1 ]]; then
        if __broker_has_target "$directory" "$file"; then
            names=$("$program" ${directory:+-d "$directory"} ${file:+-f "$file"} alias list \
                2>/dev/null | sed 's/ -> .*//')
        fi
    elif [[ $command == backup && $operands -eq 0 ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    elif [[ $command == alias && $subcommand != add ]]; then
        return
    elif __broker_wants_queue "$command" $((operands + 1)); then
        queues=1
    fi

    [[ $queues -eq 1 ]] && names=$(__broker_queues "$program" "$directory" "$file")
    [[ -n $names ]] && mapfile -t COMPREPLY < <(compgen -W "$names" -- "$cur")
    return 0
}

complete -F _broker broker simplebroker
