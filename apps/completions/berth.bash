# bash completion for berth

_berth_links() {
    case $cur in
    tap:* | pcap:*)
        local kind=${cur%%:*} names
        names=$(for path in /sys/class/net/*; do echo "$kind:${path##*/}"; done)
        mapfile -t COMPREPLY < <(compgen -W "$names" -- "$cur") ;;
    unix:* | pcapfile:*)
        mapfile -t COMPREPLY < <(compgen -f -P "${cur%%:*}:" -- "${cur#*:}") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "tap: unix: pcap: pcapfile:" -- "$cur") ;;
    esac
}

_berth_hosts() {
    local folder=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/berth} path names=()
    for path in "${folder:-/tmp/berth-$(id -u)}"/*.sock; do
        path=${path##*/}
        [ "$path" = '*.sock' ] || names+=("${path%.sock}")
    done
    mapfile -t COMPREPLY < <(compgen -W "${names[*]}" -- "$cur")
}

_berth() {
    # Links hold colons and equals signs, which bash takes for word breaks unless told otherwise.
    local cur prev words cword
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n ':=' cur prev words cword
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=("${COMP_WORDS[@]}")
        cword=$COMP_CWORD
    fi
    local command=${words[1]:-} options=''
    local host_options="--link --address --mac --peer-address --gateway --route --forward --name --sysctl --seed --capture --dns --hosts --dhcp-timeout"
    COMPREPLY=()
    if [ "$cword" -le 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "serve nc ping traceroute ss netstat nstat drops sysctl neigh route --help --version" -- "$cur")
        return
    fi
    case $prev in
    --link) _berth_links ;;
    --host) _berth_hosts ;;
    --capture | --hosts) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    --address) mapfile -t COMPREPLY < <(compgen -W dhcp -- "$cur") ;;
    --peer-address | --mac | --gateway | --name | --sysctl | --seed | --route | --dhcp-timeout | --dns) return ;;
    *)
        case $command in
        serve) options="$host_options --help echo discard daytime chargen time http" ;;
        nc) options="$host_options --help -l -u -s -p -k -N -w -z -v" ;;
        ss) options="-t -u -w -a -l -n -i -m -e -o --tcp --udp --raw --all --listening --numeric --info --memory --extended --options --host --json --help" ;;
        netstat) options="-t -u -w -a -l -n --tcp --udp --raw --all --listening --numeric --host --json --help" ;;
        ping) options="$host_options --host --json --help -b -c -D -i -M -n -p -Q -q -s -t -W -w" ;;
        traceroute) options="$host_options --host --json --help --mtu -f -I -m -n -p -q -w" ;;
        nstat) options="-a -z --zeros --host --json --help" ;;
        sysctl) options="--host --json --help" ;;
        drops) options="--host --json --help" ;;
        neigh) options="show add del flush lladdr dev -s --host --json --help" ;;
        route) options="show get add del default via dev metric from --host --json --help" ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;
    esac
    [[ ${COMPREPLY[0]:-} != *: ]] || compopt -o nospace
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
}

complete -F _berth berth
