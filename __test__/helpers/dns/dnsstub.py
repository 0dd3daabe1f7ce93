#!/usr/bin/env python3
"""dnsstub.py MODE [ADDRESS]: a small DNS server, for UDP, in a namespace of its own.

MODE  normal   answers as the zone below says
      silent   never answers
      garbage  answers with random bytes

Names of the zone that behave in a special way: slow.test answers after 3 seconds, never.test (and anything under it)
never, fail.test with SERVFAIL, empty.test without records. Everything that is not in the zone is NXDOMAIN.
"""

import os
import socket
import struct
import sys
import threading
import time

A, AAAA = 1, 28
SERVFAIL, NXDOMAIN = 2, 3

ZONE = {
    'v4.test': {A: ['127.0.0.1']},
    'v6.test': {AAAA: ['::1']},
    # The IPv6 address is a black hole.
    'dual.test': {A: ['127.0.0.1'], AAAA: ['fd78::dead']},
    # Both families work.
    'both.test': {A: ['127.0.0.1'], AAAA: ['::1']},
    # Sixteen black holes and, by RFC 6724 always behind them (it has fewer bits in common with the source address,
    # 127.0.0.1), one that works.
    'many.test': {A: [f'127.0.0.{i}' for i in range(16, 32)] + ['127.0.0.200']},
    'dead.test': {A: ['127.0.0.16']},
    'slow.test': {A: ['127.0.0.1']},
    'empty.test': {},
    'xn--bcher-kva.test': {A: ['127.0.0.1']},
}


def question_of(query):
    """The name in lower case, the type, and the question as it came."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode('latin1').lower())
        at += query[at] + 1
    (kind,) = struct.unpack('>H', query[at + 1 : at + 3])
    return '.'.join(labels), kind, query[12 : at + 5]


def answer(server, mode, query, peer):
    name, kind, question = question_of(query)
    if mode == 'silent' or name == 'never.test' or name.endswith('.never.test'):
        return
    if mode == 'garbage':
        server.sendto(os.urandom(40), peer)
        return
    if name == 'slow.test':
        time.sleep(3)
    code = 0 if name in ZONE else SERVFAIL if name == 'fail.test' else NXDOMAIN
    addresses = ZONE.get(name, {}).get(kind, [])
    family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
    records = b''
    for address in addresses:
        data = socket.inet_pton(family, address)
        records += b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 0, len(data)) + data
    header = query[:2] + struct.pack('>HHHHH', 0x8180 | code, 1, len(addresses), 0, 0)
    server.sendto(header + question + records, peer)


def main():
    mode = sys.argv[1]
    if mode not in ('normal', 'silent', 'garbage'):
        sys.exit(f'dnsstub.py: unknown mode {mode}')
    address = sys.argv[2] if len(sys.argv) > 2 else '127.0.0.53'
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print('ready', flush=True)
    while True:
        query, peer = server.recvfrom(2048)
        threading.Thread(target=answer, args=(server, mode, query, peer), daemon=True).start()


main()
