# Completion of `broker` and `simplebroker` for fish: commands, options, and the names of queues in
# the database which -d and -f select. It never creates a database.

set -l commands write read peek move delete broadcast list exists stats rename alias dump load \
    backup init watch

# Prints the global options as typed, one a line. Fails when asking for queues would create a
# database, as the reading commands do.
function __broker_target
    set -l words (commandline -opc)
    set -l directory
    set -l file
    set -l expect
    for word in $words[2..]
        set word (string unescape -- (string replace -r '^~' $HOME -- $word))
        switch "$expect:$word"
            case 'directory:*'
                set directory $word
                set expect
                continue
            case 'file:*'
                set file $word
                set expect
                continue
        end
        switch $word
            case -d --dir
                set expect directory
            case -f --file
                set expect file
            case '--dir=*' '--file=*'
                set -l value (string replace -r '^--[a-z]*=' '' -- $word)
                string match -q -- '--dir=*' $word; and set directory $value; or set file $value
            case '-d*'
                set directory (string sub -s 3 -- $word)
            case '-f*'
                set file (string sub -s 3 -- $word)
            case '-*'
            case '*'
                break
        end
    end
    test -n "$directory"; and printf '%s\n' -d $directory
    test -n "$file"; and printf '%s\n' -f $file

    if test -z "$file"
        contains -- (string lower -- "$BROKER_PROJECT_SCOPE") 1 true yes on; and return 0
        set -l config .broker.toml
        set -q BROKER_PROJECT_CONFIG_NAME; and set config $BROKER_PROJECT_CONFIG_NAME
        set -l place .
        test -n "$directory"; and set place $directory
        test -e $place/$config; and return 0
        set file .broker.db
        set -q BROKER_DEFAULT_DB_NAME; and set file $BROKER_DEFAULT_DB_NAME
    end
    if not string match -q '/*' -- $file
        set -l place .
        set -q BROKER_DEFAULT_DB_LOCATION; and set place $BROKER_DEFAULT_DB_LOCATION
        test -n "$directory"; and set place $directory
        set file $place/$file
    end
    test -s $file
end

function __broker_queues
    set -l target (__broker_target); or return
    set -l program (commandline -opc)[1]
    command $program $target list 2>/dev/null
end

function __broker_aliases
    set -l target (__broker_target); or return
    set -l program (commandline -opc)[1]
    command $program $target alias list 2>/dev/null | string replace -r ' -> .*' ''
end

# The number of operands after the command, options and their values left out.
function __broker_operands
    set -l words (commandline -opc)
    set -l count -1
    set -l skip 0
    for word in $words[2..]
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $word
            case -d --dir -f --file -m --message --after --before --prefix -p --pattern --queue \
                --include --exclude --target
                set skip 1
            case '-*'
            case '*'
                set count (math $count + 1)
        end
    end
    test $count -eq $argv[1]
end

complete -c simplebroker -w broker
complete -c broker -f

set -l no_command "not __fish_seen_subcommand_from $commands"
complete -c broker -n $no_command -s d -l dir -x -a '(__fish_complete_directories)' \
    -d 'directory of the database'
complete -c broker -n $no_command -s f -l file -r -F -d 'database file'
complete -c broker -n $no_command -s q -l quiet -d 'suppress commentary'
complete -c broker -n $no_command -l version -d 'show the version'
complete -c broker -n $no_command -l status -d 'counts and size'
complete -c broker -n $no_command -l json -d 'with --status, print JSON'
complete -c broker -n $no_command -l vacuum -d 'remove claimed messages'
complete -c broker -n $no_command -l compact -d 'with --vacuum, shrink the file'
complete -c broker -n $no_command -l cleanup -d 'delete the database'
complete -c broker -s h -l help -d 'show help'

complete -c broker -n $no_command -a write -d 'append a message'
complete -c broker -n $no_command -a read -d 'take the oldest message'
complete -c broker -n $no_command -a peek -d 'look at the oldest message'
complete -c broker -n $no_command -a move -d 'move messages to another queue'
complete -c broker -n $no_command -a delete -d 'remove messages'
complete -c broker -n $no_command -a broadcast -d 'append a message to many queues'
complete -c broker -n $no_command -a list -d 'list the queues'
complete -c broker -n $no_command -a exists -d 'whether a queue holds anything'
complete -c broker -n $no_command -a stats -d 'sizes of a queue'
complete -c broker -n $no_command -a rename -d 'rename a queue'
complete -c broker -n $no_command -a alias -d 'manage other names of queues'
complete -c broker -n $no_command -a dump -d 'print everything as JSON lines'
complete -c broker -n $no_command -a load -d 'read a dump'
complete -c broker -n $no_command -a backup -d 'copy the database while in use'
complete -c broker -n $no_command -a init -d 'create the database'
complete -c broker -n $no_command -a watch -d 'print messages as they come'

set -l first '__fish_seen_subcommand_from write read peek move watch delete exists stats rename'
complete -c broker -n "$first; and __broker_operands 0" -a '(__broker_queues)'
complete -c broker -n '__fish_seen_subcommand_from move; and __broker_operands 1' \
    -a '(__broker_queues)'
complete -c broker -n '__fish_seen_subcommand_from backup; and __broker_operands 0' -F

set -l messages '__fish_seen_subcommand_from read peek move'
complete -c broker -n "$messages" -l all -d 'every message'
complete -c broker -n "$messages" -l after -x -d 'newer than'
complete -c broker -n "$messages" -l before -x -d 'older than'
complete -c broker -n '__fish_seen_subcommand_from read peek move delete' -s m -l message -x \
    -d 'one message'
complete -c broker -n '__fish_seen_subcommand_from delete' -l all -d 'every queue'
complete -c broker -n '__fish_seen_subcommand_from watch' -l peek -d 'leave them there'
complete -c broker -n '__fish_seen_subcommand_from watch' -l move -x -a '(__broker_queues)' \
    -d 'move them to this queue'
complete -c broker -n '__fish_seen_subcommand_from watch' -l after -x -d 'newer than'
complete -c broker -n '__fish_seen_subcommand_from write read peek move watch' -s t -l timestamps \
    -d 'print ids'
complete -c broker -l json -d 'print JSON' \
    -n '__fish_seen_subcommand_from write read peek move watch exists stats list rename'
complete -c broker -n '__fish_seen_subcommand_from peek' -l include-claimed \
    -d 'also messages that were read'
complete -c broker -n '__fish_seen_subcommand_from broadcast' -l queue -x -a '(__broker_queues)' \
    -d 'this queue'
complete -c broker -n '__fish_seen_subcommand_from broadcast list' -s p -l pattern -x \
    -d 'queues that match'
complete -c broker -n '__fish_seen_subcommand_from list' -l stats -d 'with counts'
complete -c broker -n '__fish_seen_subcommand_from list' -l prefix -x -d 'beginning with'
complete -c broker -n '__fish_seen_subcommand_from rename' -l no-retarget-aliases \
    -d 'leave aliases as they are'
complete -c broker -n '__fish_seen_subcommand_from dump' -l include -x -d 'only these'
complete -c broker -n '__fish_seen_subcommand_from dump' -l exclude -x -d 'not these'
complete -c broker -n '__fish_seen_subcommand_from load' -l force \
    -d 'accept a dump from the future'
complete -c broker -n '__fish_seen_subcommand_from backup' -s q -l quiet -d 'no progress'

set -l alias '__fish_seen_subcommand_from alias'
complete -c broker -n "$alias; and __broker_operands 0" -a 'add remove list'
complete -c broker -n "$alias; and __fish_seen_subcommand_from add; and __broker_operands 2" \
    -a '(__broker_queues)'
complete -c broker -n "$alias; and __fish_seen_subcommand_from add" -s q -l quiet \
    -d 'no warning about a hidden queue'
complete -c broker -n "$alias; and __fish_seen_subcommand_from remove; and __broker_operands 1" \
    -a '(__broker_aliases)'
complete -c broker -n "$alias; and __fish_seen_subcommand_from list" -l target -x \
    -a '(__broker_queues)' -d 'aliases of one queue'
