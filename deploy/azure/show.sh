# shellcheck shell=bash
# For the scripts beside this file: commands are shown as they can be pasted before they are run, and
# in a dry run (dry_run not empty) they are only shown.

# The recipe's variables have to be set.
recipe_variables() {
    : "${APP_NAME:?set APP_NAME to the name of the Container App}"
    : "${RG:?set RG to its resource group}"
    : "${REDIS_NAME:?set REDIS_NAME to the name of the cache}"
}

# Always to where the script itself prints, also from inside of $(…).
exec 3>&1

show() {
    local word line=''
    for word in "$@"; do
        case $word in *[!A-Za-z0-9_./:=@,+-]* | '') word=${word@Q} ;; esac
        line+=" $word"
    done
    printf '%s\n' "${line# }" >&3
}

# Shows a command, and runs it.
run() {
    show "$@"
    [ -n "${dry_run:-}" ] || "$@" >/dev/null
}

# The same for a command whose answer is needed. $1: what stands for it in a dry run.
ask() {
    local stand_in=$1 && shift
    show "$@"
    if [ -n "${dry_run:-}" ]; then echo "$stand_in"; else "$@"; fi
}
