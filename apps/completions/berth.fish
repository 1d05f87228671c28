# fish completion for berth

function __berth_hosts
    set -l folder /tmp/berth-(id -u)
    set -q XDG_RUNTIME_DIR; and test -n "$XDG_RUNTIME_DIR"; and set folder $XDG_RUNTIME_DIR/berth
    for path in $folder/*.sock
        string replace -r '.*/(.*)\.sock$' '$1' -- $path
    end
end

function __berth_links
    for path in /sys/class/net/*
        echo tap:(basename $path)
        echo pcap:(basename $path)
    end
    printf '%s\n' tap: unix: pcap: pcapfile:
end

complete -c berth -f
complete -c berth -n __fish_use_subcommand -l version -d 'Print the version'
complete -c berth -l help -d 'Explain'
complete -c berth -n __fish_use_subcommand -a serve -d 'Be a host with small services'
complete -c berth -n __fish_use_subcommand -a nc -d 'Netcat on a host of its own'
complete -c berth -n __fish_use_subcommand -a ping -d 'Is a host there, and how far away'
complete -c berth -n __fish_use_subcommand -a traceroute -d 'Show the routers on the way'
complete -c berth -n __fish_use_subcommand -a neigh -d 'Show or change the neighbours of a running host'
complete -c berth -n __fish_use_subcommand -a route -d 'Show or change the routes of a running host'
complete -c berth -n __fish_use_subcommand -a ss -d 'Show the sockets of a running host'
complete -c berth -n __fish_use_subcommand -a netstat -d 'The same in the columns of netstat'
complete -c berth -n __fish_use_subcommand -a nstat -d 'Show what a running host has counted'
complete -c berth -n __fish_use_subcommand -a sysctl -d 'Show the tunables of a running host'
complete -c berth -n __fish_use_subcommand -a drops -d 'Show what a running host dropped'

set -l making '__fish_seen_subcommand_from serve nc ping traceroute'
complete -c berth -n $making -l link -x -a '(__berth_links)' -d 'The link of the host'
complete -c berth -n $making -l address -x -a dhcp -d 'An address with its network length, or dhcp'
complete -c berth -n $making -l dhcp-timeout -x -d 'Give up waiting for an address'
complete -c berth -n $making -l dns -x -d 'A DNS server'
complete -c berth -n $making -l hosts -r -F -d 'File of names'
complete -c berth -n $making -l mac -x -d 'Hardware address'
complete -c berth -n $making -l peer-address -x -d 'The address of the kernel on a new TAP'
complete -c berth -n $making -l gateway -x -d 'Router for all other networks'
complete -c berth -n $making -l route -x -d 'A route: PREFIX via GATEWAY'
complete -c berth -n $making -l forward -d 'Be a router between the links'
complete -c berth -n $making -l dns -x -d 'A DNS server'
complete -c berth -n $making -l hosts -r -F -d 'The hosts file'
complete -c berth -n $making -l dhcp-timeout -x -d 'How long to wait for an address'
complete -c berth -n $making -l name -x -d 'Name of the host'
complete -c berth -n $making -l sysctl -x -d 'Set a parameter'
complete -c berth -n $making -l seed -x -d 'Seed of the random numbers'
complete -c berth -n $making -l capture -r -F -d 'Write every frame to a pcapng file'
complete -c berth -n '__fish_seen_subcommand_from serve' -a 'echo discard daytime chargen time http'

set -l netcat '__fish_seen_subcommand_from nc'
complete -c berth -n $netcat -s l -d 'Listen'
complete -c berth -n $netcat -s u -d 'UDP instead of TCP'
complete -c berth -n $netcat -s s -x -d 'Local address'
complete -c berth -n $netcat -s p -x -d 'Local port'
complete -c berth -n $netcat -s k -d 'Keep listening'
complete -c berth -n $netcat -s N -d 'Half-close at the end of input'
complete -c berth -n $netcat -s w -x -d 'Time limit in seconds'
complete -c berth -n $netcat -s z -d 'Only connect'
complete -c berth -n $netcat -s v -d 'Say who is connected'

set -l sockets '__fish_seen_subcommand_from ss netstat'
complete -c berth -n $sockets -s t -l tcp -d 'Only TCP'
complete -c berth -n $sockets -s u -l udp -d 'Only UDP'
complete -c berth -n $sockets -s w -l raw -d 'Only raw and ping sockets'
complete -c berth -n $sockets -s a -l all -d 'All sockets'
complete -c berth -n $sockets -s l -l listening -d 'Only those that wait for others'
complete -c berth -n $sockets -s n -l numeric -d 'Port numbers instead of names'

set -l pinging '__fish_seen_subcommand_from ping'
complete -c berth -n $pinging -s b -d 'A broadcast address is meant'
complete -c berth -n $pinging -s c -x -d 'How many requests'
complete -c berth -n $pinging -s D -d 'The time of day before each line'
complete -c berth -n $pinging -s i -x -d 'Seconds between two requests'
complete -c berth -n $pinging -s M -x -a 'do want dont probe' -d 'Fragmentation'
complete -c berth -n $pinging -s p -x -d 'Pattern, as hexadecimal digits'
complete -c berth -n $pinging -s Q -x -d 'DSCP and ECN'
complete -c berth -n $pinging -s s -x -d 'Bytes of data'
complete -c berth -n $pinging -s t -x -d 'TTL'
complete -c berth -n $pinging -s W -x -d 'How long to wait for answers'
complete -c berth -n $pinging -s w -x -d 'Deadline of the whole'
complete -c berth -n $pinging -s q -d 'Only the summary'

set -l tracing '__fish_seen_subcommand_from traceroute'
complete -c berth -n $tracing -s f -x -d 'First TTL'
complete -c berth -n $tracing -s m -x -d 'Last TTL'
complete -c berth -n $tracing -s I -d 'Echo requests instead of UDP'
complete -c berth -n $tracing -s p -x -d 'First UDP port'
complete -c berth -n $tracing -s q -x -d 'Probes for each TTL'
complete -c berth -n $tracing -s w -x -d 'How long to wait for answers'
complete -c berth -n $tracing -l mtu -d 'Find the path MTU as well'
complete -c berth -n '__fish_seen_subcommand_from ping traceroute' -s n -d 'Addresses only'

complete -c berth -n '__fish_seen_subcommand_from neigh' -a 'show add del flush lladdr dev'
complete -c berth -n '__fish_seen_subcommand_from neigh' -s s -l statistics -d 'Ages and probes'
complete -c berth -n '__fish_seen_subcommand_from route' -a 'show get add del default via dev metric from'

complete -c berth -n '__fish_seen_subcommand_from ss' -s i -l info -d 'What TCP knows'
complete -c berth -n '__fish_seen_subcommand_from ss' -s m -l memory -d 'Buffers'
complete -c berth -n '__fish_seen_subcommand_from ss' -s e -l extended -d 'Link and next hop'
complete -c berth -n '__fish_seen_subcommand_from ss' -s o -l options -d 'Timers'
complete -c berth -n '__fish_seen_subcommand_from nstat' -s z -l zeros -d 'Zeros too'
complete -c berth -n '__fish_seen_subcommand_from nstat' -s a -d 'Since the host was made'

set -l asking '__fish_seen_subcommand_from ss netstat nstat sysctl drops neigh route ping traceroute'
complete -c berth -n $asking -l host -x -a '(__berth_hosts)' -d 'Which host'
complete -c berth -n $asking -l json -d 'JSON instead of a table'
