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
complete -c berth -n __fish_use_subcommand -a ss -d 'Show the sockets of a running host'
complete -c berth -n __fish_use_subcommand -a netstat -d 'The same in the columns of netstat'
complete -c berth -n __fish_use_subcommand -a drops -d 'Show what a running host dropped'

set -l making '__fish_seen_subcommand_from serve nc'
complete -c berth -n $making -l link -x -a '(__berth_links)' -d 'The link of the host'
complete -c berth -n $making -l address -x -a dhcp -d 'An address with its network length, or dhcp'
complete -c berth -n $making -l dhcp-timeout -x -d 'Give up waiting for an address'
complete -c berth -n $making -l dns -x -d 'A DNS server'
complete -c berth -n $making -l hosts -r -F -d 'File of names'
complete -c berth -n $making -l mac -x -d 'Hardware address'
complete -c berth -n $making -l peer-address -x -d 'The address of the kernel on a new TAP'
complete -c berth -n $making -l gateway -x -d 'Router for all other networks'
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
complete -c berth -n $sockets -s a -l all -d 'All sockets'
complete -c berth -n $sockets -s l -l listening -d 'Only those that wait for others'
complete -c berth -n $sockets -s n -l numeric -d 'Port numbers instead of names'

set -l asking '__fish_seen_subcommand_from ss netstat drops'
complete -c berth -n $asking -l host -x -a '(__berth_hosts)' -d 'Which host'
complete -c berth -n $asking -l json -d 'JSON instead of a table'
