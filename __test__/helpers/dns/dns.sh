#!/bin/bash
# Runs a command in a network namespace of its own, in which names are resolved by dnsstub.py. Needs root, iproute2,
# iptables and python3.
#
#   dns.sh MODE COMMAND [ARGUMENT]…      MODE as for dnsstub.py
#   DNS_TIMEOUT=2                        seconds that the resolver waits for an answer; it asks twice
#   DNS_HOSTS=FILE                       what the namespace has for /etc/hosts, instead of the machine's
#
# The namespace has addresses of both families that are not loopback ones, or else AI_ADDRCONFIG would hide a family.
# fd78::dead, 127.0.0.16/28 and 127.0.0.96/27 are black holes.

set -u
mode=$1
shift

ns=moz-tcp-socket-dns-$$
etc=/etc/netns/$ns
log=$(mktemp)
stub=
child=

clean_up() {
  [ -n "$child" ] && kill "$child" 2>/dev/null
  [ -n "$stub" ] && kill "$stub" 2>/dev/null
  ip netns del "$ns" 2>/dev/null
  rm -rf "$etc" "$log"
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP

# `ip netns exec` mounts what is here over /etc.
mkdir -p "$etc" || exit 125
printf 'nameserver 127.0.0.53\noptions timeout:%s attempts:2\n' "${DNS_TIMEOUT:-2}" >"$etc/resolv.conf"
[ -z "${DNS_HOSTS:-}" ] || cp "$DNS_HOSTS" "$etc/hosts" || exit 125
printf 'passwd: files\nhosts: files dns\n' >"$etc/nsswitch.conf"

{
  ip netns add "$ns" &&
    # No duplicate address detection, which would keep the link-local addresses from use for a while.
    ip netns exec "$ns" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad' &&
    ip -n "$ns" link set lo up &&
    ip -n "$ns" link add d0 type veth peer name d1 &&
    ip -n "$ns" link set d0 up &&
    ip -n "$ns" link set d1 up &&
    ip -n "$ns" addr add fd78::1/64 dev d0 nodad &&
    ip -n "$ns" addr add 10.79.0.1/24 dev d0 &&
    ip netns exec "$ns" ip6tables -A OUTPUT -d fd78::dead -j DROP &&
    ip netns exec "$ns" iptables -A OUTPUT -d 127.0.0.16/28 -j DROP &&
    ip netns exec "$ns" iptables -A OUTPUT -d 127.0.0.96/27 -j DROP
} || exit 125

ip netns exec "$ns" python3 "$(dirname "$0")/dnsstub.py" "$mode" >"$log" 2>&1 3>&- &
stub=$!
for _ in $(seq 200); do
  grep -qs ready "$log" && break
  kill -0 "$stub" 2>/dev/null || break
  sleep .05
done
grep -qs ready "$log" || {
  cat "$log" >&2
  exit 125
}

# In the background, so that a signal for this script is seen while the command runs.
ip netns exec "$ns" "$@" <&0 &
child=$!
wait "$child"
code=$?
child=
exit $code
