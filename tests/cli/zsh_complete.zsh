# Prints what zsh offers for a line: zsh -f zsh_complete.zsh DIRECTORY-OF-COMPLETIONS LINE
# Completion works in an interactive shell only, so one runs in a pseudo-terminal; its compadd notes
# every candidate, and it exits after the first completion.
zmodload zsh/zpty

offered=$(mktemp)
inner=$(mktemp)
cat >$inner <<END
PROMPT=
fpath=(${(q)1} \$fpath)
autoload -Uz compinit
compinit -u -d $inner.dump
bindkey '^I' complete-word
zstyle ':completion:*' insert-tab false
leave() { exit }
comppostfuncs=(leave)
compadd() {
    local -a hits
    if [[ " \${@[1,(i)(-|--)]} " != *\ -(O|A|D)\ * ]]; then
        builtin compadd -A hits "\$@"
        (( \$#hits )) && print -rl -- \$hits >>$offered
    fi
    builtin compadd "\$@"
}
print re''ady
END

zpty shell zsh -f -i
zpty -w shell "source $inner"
zpty -r shell output '*ready*'
zpty -w -n shell "$2"$'\t'
while zpty -r shell output; do :; done
cat $offered
rm -f $offered $inner $inner.dump
