"""A link that hides where it leads: a URL shortener."""

from __future__ import annotations

from moderation.links import host_of
from moderation.signals.signal import Found, Seen, Signal

# Written down from common knowledge; those that serve one platform alone (youtu.be, t.co) are left out.
SHORTENERS = frozenset(
    """
    adf.ly bc.vc bit.do bit.ly bitly.com bl.ink buff.ly clck.ru clicky.me cli.gs cutt.ly dlvr.it durl.me goo.gl
    is.gd j.mp kutt.it lnk.bio lnkd.in mcaf.ee moourl.com ouo.io ow.ly po.st rb.gy rebrand.ly s.id s2r.co shorl.com
    short.io shorte.st shorturl.at shrinke.me sn.im snipr.com snipurl.com soo.gd su.pr surl.li t.ly t2m.io tiny.cc
    tiny.one tiny.pl tinyurl.com tr.im u.to urlz.fr v.gd vk.cc x.co xurl.es yep.it zpr.io
    """.split()
)


def _find(seen: Seen) -> Found | None:
    for link in seen.links:
        if (host := host_of(link.url)) in SHORTENERS:
            return Found(f"{host} hides where the link leads", spans=((link.start, link.end),))
    author = seen.comment.author
    if author is not None and author.url and (host := host_of(author.url)) in SHORTENERS:
        return Found(f"{host} hides where the author's home page is")
    return None


SIGNAL = Signal("shortener", "a link through a URL shortener", 1.0, _find)
