"""What is done on web pages: labels it may carry, its purpose in other words, its icon.

As in :mod:`~assay.envs.gui_grounding.qt.verbs`, a purpose shares no telling word with any of the labels.
"""

from __future__ import annotations

from functools import lru_cache

from assay.envs.gui_grounding.qt.verbs import Verb

_TABLE = """
search: Search, Find | look something up on this site; get results for the words typed in | search | filter
home: Home | go to the start of the site | home |
menu: Menu, Open menu | unfold the list of all parts of the site | menu |
login: Log in, Sign in, Login | get into an account that exists already | user | register
logout: Log out, Sign out, Logout | leave the account | exit |
register: Sign up, Create account, Register, Join | become a member; get a membership of your own | user | login
account: Account, My account, Profile | see your own details as a member | user | settings
settings: Settings, Preferences | change how the site behaves | gear | account
notifications: Notifications, Alerts | see what has happened since the last visit | bell | messages
messages: Messages, Inbox | read what others wrote to you privately | mail | notifications
cart: Cart, Basket, View cart | see what has been picked for buying so far | cart | wishlist
add_to_cart: Add to cart, Add to basket, Buy | put this product among the things to pay for | cart | wish, compare
wish: Add to wish list, Save for later | remember this product without buying it | heart | add_to_cart
compare: Compare | see this product next to another one | scales | wish
details: Details, View details, More info | read everything about this one | eye |
wishlist: Wish list, Favourites | see the products remembered for another day | heart | cart
checkout: Checkout, Go to checkout | pay for everything picked | card | cart
filter: Apply filters, Filter, Show results | narrow the list down by the chosen criteria | funnel | clear
clear: Clear all, Reset filters, Clear | undo every criterion at once | refresh | filter
sort: Sort, Sort by | put the list in another order | sort | filter
next: Next, Next page, Older | see what comes after this in the list | right | previous
previous: Previous, Previous page, Newer | see what came before this in the list | left | next
first: First, First page | go to where the list begins | first | previous
last: Last, Last page | go to where the list ends | last | next
subscribe: Subscribe, Subscribe now | get the newsletter by mail | mail | share
share: Share, Share this | pass a link on to other people | share | copy_link
copy_link: Copy link | put the address of this page on the clipboard | link | share
print: Print, Print this page | get it on paper | print | download
download: Download, Download PDF | get it as a file on this computer | download | export
export: Export, Export CSV | turn the rows into a file for a spreadsheet | download | import
import: Import, Import file | bring in rows stored elsewhere | upload | export
upload: Upload, Choose files | send something from this computer to the site | upload | download
bookmark: Bookmark, Save article | remember this text for another day | bookmark | share
like: Like, Upvote, Helpful | say that you find this good | up | dislike
dislike: Dislike, Downvote, Not helpful | say that you find this bad | down | like
reply: Reply, Answer | write a response to this person | reply | quote
quote: Quote | answer with this person's own words repeated | quote | reply
report: Report, Flag | tell the moderators that something is wrong here | flag | dislike
follow: Follow, Watch | be told whenever there is something new from here | bell | like
edit: Edit, Modify | change this entry | pencil | duplicate
delete: Delete, Remove | get rid of this entry | trash | archive
duplicate: Duplicate, Clone | make a second entry just like it | copy | edit
archive: Archive | move this entry out of sight without destroying it | box | delete
view: View, Open, Inspect | see this entry in full | eye | edit
add: Add new, New entry, Add row | begin an additional line | plus | import
refresh: Refresh, Reload | get the latest figures | refresh | export
submit: Submit, Send, Submit form | hand in what was filled in | check | draft
draft: Save draft, Save as draft | keep the unfinished entries without handing them in | disk | submit
cancel: Cancel | leave without keeping anything | cross | reset
reset: Reset, Start over | empty every entry and begin anew | refresh | cancel
continue: Continue, Proceed | go on to the following step | right | go_back
go_back: Back, Go back | return to the step before | left | continue
save: Save, Save changes | keep what was altered | disk | discard
discard: Discard, Discard changes | throw away what was altered | trash | save
accept: Accept all, Accept, Allow all | agree to everything that is stored here | check | reject
reject: Reject all, Decline, Only necessary | refuse whatever is not needed | cross | accept
cookies: Manage cookies, Cookie settings | choose one by one what may be stored here | gear | accept
dismiss: Close, Dismiss | make this notice go away | cross |
chat: Chat, Chat with us, Ask us | talk to the staff right now | chat | help
help: Help, Support, FAQ | read answers to common questions | question | contact
contact: Contact, Contact us | find out how to reach the staff | mail | help
about: About, About us | learn who is behind the site | info | contact
today: Today | jump to the present day | calendar |
book: Book now, Reserve, Book | make it final that you come | check | availability
availability: Check availability, See times | find out which slots are still free | calendar | book
play: Play, Play video | start the film | play | queue
pause: Pause | hold the film for a moment | pause | play
mute: Mute | switch the sound off | mute |
queue: Add to queue, Watch later | put the film on the list for afterwards | plus | play
fullscreen: Full screen | use the entire monitor for the film | full | theatre
theatre: Theatre mode | make the player as wide as the window | wide | fullscreen
captions: Captions, Subtitles | display the spoken words as text | quote | mute
grid: Grid view | display the entries as tiles | grid | list
list: List view | display the entries below one another | menu | grid
new_topic: New topic, Start a discussion, New post | open a conversation of your own | pencil | reply
mark_read: Mark all read, Mark as read | treat everything here as seen already | check | mute
invite: Invite, Invite people | ask somebody else to join in | user | share
terms: Terms, Terms of use | read the rules that apply here | info | privacy
privacy: Privacy, Privacy policy | learn what happens to personal data | eye | terms
"""

ICONS = {
    "search": "M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l6 6",
    "home": "M3 11l9-8 9 8M6 9v11h12V9",
    "menu": "M4 6h16M4 12h16M4 18h16",
    "user": "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c1-5 4-7 8-7s7 2 8 7",
    "exit": "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
    "gear": "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v4M12 18v4M2 12h4M18 12h4M5 5l3 3M16 16l3 3M19 5l-3 3M8 16l-3 3",
    "bell": "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
    "mail": "M3 5h18v14H3zM3 6l9 7 9-7",
    "cart": "M2 4h3l3 11h10l3-8H6M9 20h.1M17 20h.1",
    "heart": "M12 20C3 14 2 9 5 6c3-2 6 0 7 2 1-2 4-4 7-2 3 3 2 8-7 14z",
    "scales": "M12 3v18M6 21h12M5 6h14M5 6l-3 7h6zM19 6l-3 7h6z",
    "eye": "M2 12c4-7 16-7 20 0-4 7-16 7-20 0zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    "card": "M2 5h20v14H2zM2 10h20M5 15h4",
    "funnel": "M3 4h18l-7 9v7l-4-2v-5z",
    "refresh": "M20 12a8 8 0 1 1-2-5M20 3v5h-5",
    "sort": "M7 4v16M3 16l4 4 4-4M17 20V4M13 8l4-4 4 4",
    "right": "M9 5l7 7-7 7", "left": "M15 5l-7 7 7 7", "up": "M5 15l7-7 7 7", "down": "M5 9l7 7 7-7",
    "first": "M18 5l-7 7 7 7M7 5v14", "last": "M6 5l7 7-7 7M17 5v14",
    "share": "M18 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM6 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM18 15a3 3 0 1 0 0 6 3 3 0 0 0 0-6z"
    "M9 11l6-3M9 13l6 3",
    "link": "M10 14l4-4M9 9l-4 4a4 4 0 0 0 6 6l3-3M15 15l4-4a4 4 0 0 0-6-6l-3 3",
    "print": "M6 9V3h12v6M6 17H3V9h18v8h-3M6 14h12v7H6z",
    "download": "M12 3v12M7 11l5 5 5-5M4 20h16", "upload": "M12 16V4M7 8l5-5 5 5M4 20h16",
    "bookmark": "M6 3h12v18l-6-5-6 5z", "reply": "M10 5L3 12l7 7v-4c6 0 9 1 11 5 0-7-4-11-11-11z",
    "quote": "M4 6h7v7c0 3-2 5-5 5M14 6h7v7c0 3-2 5-5 5", "flag": "M5 21V4h13l-3 4 3 5H5",
    "pencil": "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4", "trash": "M4 6h16M9 6V3h6v3M6 6l1 15h10l1-15M10 10v7M14 10v7",
    "copy": "M8 8h12v13H8zM4 16V3h12", "box": "M3 4h18v5H3zM5 9v11h14V9M10 13h4", "plus": "M12 4v16M4 12h16",
    "check": "M4 13l5 5L20 6", "cross": "M5 5l14 14M19 5L5 19", "disk": "M4 3h13l3 3v15H4zM8 3v6h8V3M7 21v-8h10v8",
    "chat": "M3 4h18v13H11l-5 4v-4H3z", "question": "M8 8a4 4 0 1 1 6 4c-2 1-2 2-2 3M12 19h.1",
    "info": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7h.1",
    "calendar": "M3 5h18v16H3zM3 10h18M8 2v5M16 2v5", "play": "M6 4l14 8-14 8z", "pause": "M7 4v16M17 4v16",
    "mute": "M3 9h4l6-5v16l-6-5H3zM17 9l5 6M22 9l-5 6", "full": "M3 9V3h6M15 3h6v6M21 15v6h-6M9 21H3v-6",
    "wide": "M2 7h20v10H2z", "grid": "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
}  # fmt: skip
"""Paths of line icons in a square of 24."""


def _read(table: str) -> dict[str, Verb]:
    verbs = {}
    for line in table.strip().splitlines():
        key, _, rest = line.partition(":")
        names, abouts, icon, near = (cell.strip() for cell in rest.split("|"))
        verbs[key] = Verb(_split(names, ","), _split(abouts, ";"), icon, _split(near, ","))
    return verbs


def _split(text: str, mark: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(mark) if part.strip())


VERBS: dict[str, Verb] = _read(_TABLE)
"""What is done on web pages, by meaning."""


@lru_cache(maxsize=1)
def _by_name() -> dict[str, tuple[str, Verb]]:
    return {name.lower(): (meaning, verb) for meaning, verb in VERBS.items() for name in verb.names}


def verb_named(name: str) -> tuple[str, Verb] | None:
    """The meaning and verb of a label, if it is a well-known one."""
    return _by_name().get(" ".join(name.lower().split()).rstrip("….!"))
