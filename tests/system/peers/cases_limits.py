# SPDX-License-Identifier: Apache-2.0
"""Cases of the limits of a spool that has small ones: --limits CONNECTIONS,STRANGERS,
its limits.connections and limits.unauthenticated."""

import uuid

from agentlink_peer import TIMEOUT, Failed, Link, Skipped, Unreachable, case, check, until


def limits(spool):
    if not spool.options.limits:
        raise Skipped("needs --limits")
    return [int(n) for n in spool.options.limits.split(",")]


def agents(spool, n):
    """So many agents that each have an identity of their own."""
    some = [uuid.uuid4() for _ in range(n)]
    return [spool.issue(f"URI:spool:agent:{owner}", owner) for owner in some]


def greet(link):
    link.say_hello()
    link.expect("HELLO_OK")


def handshake(waiting, seconds):
    waiting.settimeout(seconds)
    try:
        waiting.do_handshake()
    except TimeoutError:
        return False
    return True


@case(alone=True)
def limits_strangers(spool):
    """As many as the limit may be connected and not have said HELLO; the next
    waits in the kernel's queue, and is served once they have said it."""
    most = limits(spool)[1]
    *some, last = agents(spool, most)
    strangers = [Link(spool, agent, hello=False) for agent in some]
    spool.link().close()
    strangers.append(Link(spool, last, hello=False))
    context = spool.context(spool.identity())
    waiting = context.wrap_socket(
        spool.connect(),
        server_hostname=spool.address[0],
        do_handshake_on_connect=False,
    )
    check(not handshake(waiting, 1), "one past the limit was served")
    for link in strangers:
        greet(link)
    check(handshake(waiting, TIMEOUT), "it waits though nobody is in its way")
    waiting.close()
    for link in strangers:
        link.alive()
        link.close()


@case(alone=True)
def limits_connections(spool):
    """As many as the limit may be connected; the next is turned away before TLS,
    and the others stay; when one leaves there is room for one."""
    most = limits(spool)[0]
    links, waiting = [], agents(spool, most + 1)

    def one_more():
        try:
            link = Link(spool, waiting[len(links)], hello=False)
            greet(link)
            link.alive()
        except (OSError, Failed, Unreachable):
            return False
        links.append(link)
        return True

    until(one_more, "the first")
    for _ in range(most - 1):
        check(one_more(), f"{len(links)} were too many")
    check(not one_more(), "one more than the limit")
    for link in links:
        link.alive()
    links.pop().close()
    until(one_more, "room for one")
