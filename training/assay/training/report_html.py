"""The page around a report: escaping, style, and the few pieces of HTML that its sections share."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST_TEXT = 6000
"""Characters of one message or response that a report shows."""

_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, *range(128, 160)), "�")
# Direction overrides can make a response read as something it is not; they are shown by name.
_DIRECTIONS = {code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def text(value: Any, limit: int = LONGEST_TEXT) -> str:
    """Anything as text that is safe inside an element or a quoted attribute.

    Markup is escaped, control characters and lone surrogates replaced, direction overrides made visible, and what is
    longer than ``limit`` characters cut with a note.
    """
    words = value if isinstance(value, str) else str(value)
    extra = len(words) - limit
    words = words[:limit].translate(_CONTROLS | _DIRECTIONS).encode("utf-8", "replace").decode("utf-8")
    return html.escape(words) + (f"… ({extra} more characters)" if extra > 0 else "")


def section(title: str, body: str, note: str = "") -> str:
    """A titled section; nothing where ``body`` is empty."""
    if not body:
        return ""
    small = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{text(title)}</h2>{small}{body}</section>"


def table(rows: Iterable[Sequence[Any]], head: Sequence[str] = (), css: str = "") -> str:
    """A table of escaped cells."""
    body = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    if not body:
        return ""
    top = "<thead><tr>" + "".join(f"<th>{text(cell)}</th>" for cell in head) + "</tr></thead>" if head else ""
    return f'<div class="scroll"><table class="{css}">{top}<tbody>{body}</tbody></table></div>'


def page(title: str, body: str) -> str:
    """A whole document that loads nothing: the policy in its head forbids scripts and every outside request."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


_STYLE = """
:root { --ink:#1c2330; --soft:#667085; --line:#e4e7ec; --paper:#fff; --ground:#f6f7f9; --accent:#2457d6;
  --good:#1a7f4b; --bad:#b3372f; --code:#f2f4f7; }
@media (prefers-color-scheme: dark) { :root { --ink:#e6e9ef; --soft:#98a2b3; --line:#2c3442; --paper:#171c26;
  --ground:#0f131a; --accent:#7ba2ff; --good:#5fcf96; --bad:#f28b82; --code:#1f2633; } }
* { box-sizing:border-box; }
body { margin:0; background:var(--ground); color:var(--ink);
  font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif; }
main { max-width:1080px; margin:0 auto; padding:36px 22px 80px; }
h1 { font-size:22px; margin:0 0 2px; font-weight:650; letter-spacing:-.01em; }
h2 { font-size:16px; margin:0 0 12px; font-weight:650; }
h3 { font-size:13px; margin:0 0 6px; font-weight:600; color:var(--soft); }
p { margin:0 0 10px; } .sub,.note { color:var(--soft); } .note { font-size:13px; margin-top:-8px; }
section { background:var(--paper); border:1px solid var(--line); border-radius:12px; padding:20px 22px;
  margin-top:18px; }
.headline { display:flex; flex-wrap:wrap; align-items:baseline; gap:4px 18px; margin:2px 0 6px; }
.headline .from { font-size:34px; color:var(--soft); } .headline .arrow { font-size:28px; color:var(--soft); }
.headline .to { font-size:52px; font-weight:700; letter-spacing:-.02em; color:var(--accent); line-height:1.1; }
.headline .gain { font-size:17px; font-weight:600; color:var(--good); } .headline .gain.down { color:var(--bad); }
.charts { display:grid; grid-template-columns:repeat(auto-fit,minmax(300px,1fr)); gap:20px 26px; }
.chart { width:100%; height:auto; display:block; } .intervals { max-width:760px; }
.chart text { font-size:11px; fill:var(--soft); } .chart .label,.chart .value { font-size:13px; fill:var(--ink); }
.chart .value { font-variant-numeric:tabular-nums; font-weight:600; }
.chart .grid { stroke:var(--line); stroke-width:1; }
.chart .line { fill:none; stroke-width:1.8; stroke-linejoin:round; } .chart .faint { opacity:.45; stroke-width:1.2; }
.chart .band { opacity:.16; stroke:none; } .chart .whisker { stroke-width:3; stroke-linecap:round; opacity:.45; }
.line.c0,.whisker.c0 { stroke:var(--accent); } .dot.c0,.band.c0 { fill:var(--accent); }
.whisker.plain { stroke:var(--soft); } .dot.plain { fill:var(--soft); }
.key { font-size:12px; font-weight:400; }
.scroll { overflow-x:auto; } table { border-collapse:collapse; font-size:13.5px; }
td,th { text-align:left; vertical-align:top; padding:4px 18px 4px 0; border-bottom:1px solid var(--line);
  font-variant-numeric:tabular-nums; } th { color:var(--soft); font-weight:600; } tr:last-child td { border-bottom:0; }
.confusion td,.confusion th { padding:5px 8px; border:0; text-align:center; }
.confusion .name { text-align:right; white-space:nowrap; }
.confusion td.cell { min-width:40px; border-radius:4px; }
.confusion .col { writing-mode:vertical-rl; transform:rotate(180deg); }
.pair { display:grid; grid-template-columns:repeat(auto-fit,minmax(380px,1fr)); gap:8px 26px; }
details { border-top:1px solid var(--line); padding:7px 0; } details:first-of-type { border-top:0; }
summary { cursor:pointer; display:flex; gap:10px; align-items:baseline; }
summary .why { color:var(--soft); font-size:13px; overflow:hidden; text-overflow:ellipsis; white-space:nowrap;
  max-width:55%; }
summary .said { overflow:hidden; text-overflow:ellipsis; white-space:nowrap; flex:1; min-width:0; }
.badge { font-size:12px; font-weight:650; font-variant-numeric:tabular-nums; padding:1px 7px; border-radius:99px;
  background:var(--code); flex:none; } .badge.good { color:var(--good); } .badge.bad { color:var(--bad); }
pre { background:var(--code); border-radius:8px; padding:9px 12px; margin:4px 0 10px; font-size:12.5px; line-height:1.5;
  white-space:pre-wrap; overflow-wrap:anywhere; unicode-bidi:plaintext; max-height:420px; overflow:auto;
  font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace; }
pre.action { border-left:3px solid var(--accent); } .role { font-size:11.5px; color:var(--soft); margin-top:8px; }
img.thumb { max-width:112px; max-height:112px; border:1px solid var(--line); border-radius:6px; margin:4px 6px 4px 0;
  image-rendering:pixelated; }
.alert { border-left:3px solid var(--bad); padding:2px 0 2px 12px; margin:0 0 8px; } .muted { color:var(--soft); }
@media print { section { break-inside:avoid; } body { background:#fff; } }
""".strip()
