"""What commands are called, what they do in other words, and their standard icon.

A phrase says what a command is for without a word of any of its names, so that it can be asked for by purpose alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """A command.

    Attributes:
        names: labels it may carry.
        abouts: what it does, as the end of "I want to ...".
        icon: name of a ``QStyle.StandardPixmap``, or "".
        near: commands that are easily taken for it.
    """

    names: tuple[str, ...]
    abouts: tuple[str, ...]
    icon: str = ""
    near: tuple[str, ...] = ()


_TABLE = """
new: New, New document | start an empty page; begin with a clean sheet | SP_FileIcon | open, duplicate
open: Open, Open… | load something that was stored earlier; bring up an existing file | SP_DialogOpenButton | new
save: Save, Save changes | keep the work on disk; write edits to storage | SP_DialogSaveButton | save_as, save_all
save_as: Save as… | store the work under another file name; write it out with a new title | | save
save_all: Save all | write every open document to disk at once | | save
save_copy: Save a copy | put a second version on disk | | save
print: Print, Print… | put it on paper; send the pages to the hardware in the office | | export
export: Export, Export… | turn the content into another file format; produce a file for other programs | | print
share: Share, Share… | give other people access to it | | export
close: Close | put this one away without leaving the program | SP_DialogCloseButton | quit
quit: Quit, Exit | leave the program altogether; end the application | | close
undo: Undo | take back the latest change; revert the step just made | SP_ArrowBack | redo
redo: Redo | do again what was just taken back | SP_ArrowForward | undo
cut: Cut | remove the marked part but hold it for later insertion | | copy, paste
copy: Copy | put the marked part on the clipboard and leave it where it is | | cut, paste
paste: Paste | insert what is on the clipboard | | copy
select_all: Select all | mark everything there is | | deselect
deselect: Deselect | mark nothing any more | | select_all
find: Find, Find…, Search | look up a word in it; locate a passage | SP_FileDialogContentsView | replace
replace: Replace… | swap one word for another throughout | | find
zoom_in: Zoom in | make everything appear larger | SP_ArrowUp | zoom_out
zoom_out: Zoom out | make everything appear smaller | SP_ArrowDown | zoom_in
full_screen: Full screen | use the entire monitor for this | SP_TitleBarMaxButton | zoom_in
help: Help, Contents, Manual | read how the program is used | SP_DialogHelpButton | about
about: About | see which version this is and who made it | SP_MessageBoxInformation | help
preferences: Preferences, Options… | change how the program behaves | | properties
refresh: Refresh, Reload | get the latest state of what is displayed | SP_BrowserReload | stop
stop: Stop | halt what is running now | SP_BrowserStop | pause
back: Back | return to the place visited before | SP_ArrowLeft | forward
forward: Forward | go on to the place that was left a moment ago | SP_ArrowRight | back
up: Up, Parent folder | go one level higher | SP_FileDialogToParent | home
home: Home | jump to the place where everything starts | SP_DirHomeIcon | up
delete: Delete, Remove | get rid of what is marked; throw the marked thing away | SP_TrashIcon | archive
rename: Rename, Rename… | give the marked thing another title | | move
move: Move to… | put the marked thing somewhere else | | rename
duplicate: Duplicate | make a second one just like it | | copy
properties: Properties, Details… | see size and dates of the marked thing | SP_FileDialogInfoView | preferences
new_folder: New folder | make a place for files to go into | SP_FileDialogNewFolder | new
list_view: List view | display the entries as plain lines | SP_FileDialogListView | detail_view
detail_view: Detail view | display the entries with all their columns | SP_FileDialogDetailedView | list_view
hidden_files: Show hidden files | display entries whose name begins with a dot | | detail_view
compose: Compose, New message, Write | start a letter to somebody | SP_FileIcon | reply
reply: Reply | answer the person who wrote this | SP_ArrowBack | reply_all, forward_mail
reply_all: Reply all | answer everybody who got this letter | | reply
forward_mail: Forward | pass this letter on to someone else | SP_ArrowForward | reply
archive: Archive | put the letter away for good without destroying it | SP_DriveHDIcon | delete, junk
junk: Junk, Mark as spam | declare the letter unwanted advertising | SP_MessageBoxWarning | delete, archive
star: Star, Add star | flag the letter as important | SP_DialogYesButton | unread
unread: Mark as unread | make the letter look as if nobody had opened it | SP_MessageBoxInformation | star
send: Send, Send now | let the letter go out to its recipient | SP_DialogOkButton | discard
discard: Discard, Discard draft | throw the half-written letter away | SP_DialogDiscardButton | send
attach: Attach file, Attach… | put a document into the letter | SP_DirLinkIcon | send
bold: Bold | make the lettering heavier | | italic, underline
italic: Italic | make the lettering slanted | | bold, underline
underline: Underline | draw a line beneath the words | | bold, italic
align_left: Align left | push the paragraph against the margin where lines begin | | align_center, align_right
align_center: Center | put the paragraph in the middle of the page | | align_left, align_right
align_right: Align right | push the paragraph against the margin where lines end | | align_left, align_center
upper: Uppercase | turn all letters into capitals | | lower
lower: Lowercase | turn all letters into small ones | | upper
word_wrap: Word wrap | break long lines at the edge of the view | | read_only
read_only: Read only | protect the text against any edit | | word_wrap
insert_row: Insert row | make room for one more record in the table | | insert_column, delete_row
insert_column: Insert column | make room for one more attribute of every record | | insert_row
delete_row: Delete row | take the current record out of the table | SP_TrashIcon | insert_row
sum: Sum, AutoSum | add up the numbers above | | average
average: Average | compute the mean of the numbers above | | sum
sort_up: Sort A to Z | put the lines in ascending order | SP_ArrowUp | sort_down
sort_down: Sort Z to A | put the lines in descending order | SP_ArrowDown | sort_up
clear: Clear, Clear cell | empty the current entry | SP_DialogResetButton | delete_row
play: Play | start the music | SP_MediaPlay | pause
pause: Pause | interrupt the music for a moment | SP_MediaPause | play, stop_music
stop_music: Stop | end the music and go to its beginning | SP_MediaStop | pause
next: Next track | jump to the song after this one | SP_MediaSkipForward | seek_forward
previous: Previous track | jump to the song before this one | SP_MediaSkipBackward | seek_back
seek_forward: Fast forward | skip ahead ten seconds within the song | SP_MediaSeekForward | next
seek_back: Rewind | go ten seconds towards the start of the song | SP_MediaSeekBackward | previous
mute: Mute | silence the speakers | SP_MediaVolumeMuted | louder
louder: Volume up | make the sound stronger | SP_MediaVolume | mute
shuffle: Shuffle | hear the songs in random order | | repeat
repeat: Repeat | hear the list again once it has ended | | shuffle
remove_track: Remove from list | take the chosen song off the queue | SP_TrashIcon | clear_list
clear_list: Clear list | empty the entire queue | SP_DialogResetButton | remove_track
eject: Eject | let the disc come out of the drive | SP_DriveCDIcon | stop_music
next_page: Next, Continue | go on to the following step | SP_ArrowRight | previous_page, finish
previous_page: Back, Previous | return to the step before | SP_ArrowLeft | next_page
finish: Finish, Submit | hand in the completed form | SP_DialogOkButton | next_page
cancel: Cancel | leave without changing anything | SP_DialogCancelButton | reset
reset: Reset, Clear all fields | empty every entry and begin anew | SP_DialogResetButton | cancel
apply: Apply | put the settings into effect but stay here | SP_DialogApplyButton | ok
ok: OK | accept the settings and finish here | SP_DialogOkButton | apply
defaults: Restore defaults, Factory settings | undo every change made since the purchase | SP_DialogResetButton | cancel
add_panel: Add panel, Add widget | put one more chart on the overview | | remove_panel
remove_panel: Remove panel | take a chart off the overview | SP_TrashIcon | add_panel
acknowledge: Acknowledge | confirm that the chosen warning was seen | SP_DialogYesButton | dismiss
dismiss: Dismiss all | make every warning disappear | SP_DialogNoButton | acknowledge
"""


def _read(table: str) -> dict[str, Verb]:
    verbs = {}
    for line in table.strip().splitlines():
        key, _, rest = line.partition(":")
        cells = [cell.strip() for cell in rest.split("|")]
        names, abouts, icon, near = (*cells, "", "")[:4]
        verbs[key] = Verb(_split(names, ","), _split(abouts, ";"), icon, _split(near, ","))
    return verbs


def _split(text: str, mark: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(mark) if part.strip())


VERBS: dict[str, Verb] = _read(_TABLE)
"""Commands by meaning."""
