"""Cells and headings of item views, in the manner of :mod:`~assay.envs.gui_grounding.qt.parts`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.envs.gui_grounding.qt.app import ABOUT_ROLE, MEANING_ROLE
from assay.envs.gui_grounding.qt.part import Part

_MOST_CELLS = 400
"""Cells of one view that are looked at."""


def header_parts(header: Any) -> Iterator[Part]:
    """Headings of a table that react to clicks."""
    from PySide6.QtCore import QRect, Qt

    if not header.sectionsClickable():
        return
    across = header.orientation() == Qt.Orientation.Horizontal
    role = "column header" if across else "row header"
    view, model = header.viewport(), header.model()
    for index in range(header.count()):
        if header.isSectionHidden(index):
            continue
        start, size = header.sectionViewportPosition(index), header.sectionSize(index)
        rect = QRect(start, 0, size, view.height()) if across else QRect(0, start, view.width(), size)
        if not rect.intersects(view.rect()):
            continue
        name = shown_text(str(model.headerData(index, header.orientation()) or ""), header, rect)
        grip = 4  # at its edges a header takes the mouse for resizing
        rect = rect.adjusted(grip, 0, -grip, 0) if across else rect.adjusted(0, grip, 0, -grip)

        def hit(p: Any, index: int = index) -> bool:
            return bool(header.logicalIndexAt(p) == index)

        yield Part(view, rect, role, hit, header.isEnabled(), {"name": name, "key": f"{role}.{index}"})


def item_parts(view: Any) -> Iterator[Part]:
    """Visible items of a view, with their expanders and check boxes."""
    from PySide6.QtCore import QModelIndex
    from PySide6.QtWidgets import QTableView, QTreeView

    model, port = view.model(), view.viewport()
    if model is None:
        return
    tree = isinstance(view, QTreeView)
    role = "cell" if isinstance(view, QTableView) else "tree item" if tree else "list item"
    seen = 0

    def walk(parent: Any) -> Iterator[tuple[Any, Any]]:
        nonlocal seen
        for row in range(model.rowCount(parent)):
            for column in range(_columns(model, parent)):
                index = model.index(row, column, parent)
                rect = view.visualRect(index)
                if rect.isEmpty() or not rect.intersects(port.rect()):
                    if rect.top() > port.height() and not tree:
                        return
                    continue
                if role == "list item":  # in a list of choices the layout may be wider than what is seen of it
                    rect.setRight(min(rect.right(), port.rect().right()))
                seen += 1
                if seen > _MOST_CELLS:
                    return
                yield index, rect
            if tree and view.isExpanded(model.index(row, 0, parent)):
                yield from walk(model.index(row, 0, parent))

    for index, rect in walk(QModelIndex()):
        yield from _cell(view, port, index, rect, role, tree)


def _cell(view: Any, port: Any, index: Any, rect: Any, role: str, tree: bool) -> Iterator[Part]:
    from PySide6.QtCore import QRect, Qt

    model = index.model()
    whole = str(index.data() if index.data() is not None else "")
    facts = {
        "name": shown_text(whole, view, rect, index),
        "about": str(index.data(ABOUT_ROLE) or ""),
        "meaning": str(index.data(MEANING_ROLE) or ""),
        "key": f"{view.objectName()}.{_path(index)}",
    }
    if _columns(model, index.parent()) > 1:
        facts["row"] = _row_heading(view, model, index)
        facts["column"] = str(model.headerData(index.column(), Qt.Orientation.Horizontal) or "")
    enabled = bool(index.flags() & Qt.ItemFlag.ItemIsEnabled)
    checks = index.data(Qt.ItemDataRole.CheckStateRole) is not None
    yield Part(port, rect, role, lambda p: view.indexAt(p) == index, enabled, facts)
    if tree and model.hasChildren(index) and index.column() == 0 and view.rootIsDecorated():
        step = view.indentation()
        grip = QRect(rect.left() - step, rect.top(), step, rect.height())
        opens = {"label": facts["name"], "key": facts["key"] + ".expander"}
        yield Part(port, grip, "expander", lambda p: view.indexAt(p) == index, enabled, opens)
    if checks:
        from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

        option = QStyleOptionViewItem()
        view.initViewItemOption(option)
        option.rect = rect
        option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
        box = view.style().subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, view)
        ticks = {"label": facts["name"], "key": facts["key"] + ".check"}
        yield Part(port, box, "checkbox", lambda p: box.contains(p), enabled, ticks)


def _row_heading(view: Any, model: Any, index: Any) -> str:
    """What a person would call the row: its number where one is shown, else what stands in its first column."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QTableView

    if isinstance(view, QTableView) and view.verticalHeader().isVisible():
        return str(model.headerData(index.row(), Qt.Orientation.Vertical) or "")
    first = model.index(index.row(), 0, index.parent())
    return "" if first == index else shown_text(str(first.data() or ""), view, view.visualRect(first), first)


def _columns(model: Any, parent: Any) -> int:
    from PySide6.QtCore import QAbstractListModel

    return 1 if isinstance(model, QAbstractListModel) else int(model.columnCount(parent))


def _path(index: Any) -> str:
    rows: list[str] = []
    while index.isValid():
        rows.append(f"{index.row()}.{index.column()}" if not rows else str(index.row()))
        index = index.parent()
    return "/".join(reversed(rows))


def shown_text(text: str, widget: Any, rect: Any, index: Any = None) -> str:
    """The text, or "" where its room cuts it off."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QFontMetrics

    metrics = widget.fontMetrics()
    extra = 8
    if index is not None:
        font = index.data(Qt.ItemDataRole.FontRole)
        metrics = QFontMetrics(font) if font is not None else metrics
        if index.data(Qt.ItemDataRole.DecorationRole) is not None:
            extra += widget.style().pixelMetric(widget.style().PixelMetric.PM_SmallIconSize) + 4
        if index.data(Qt.ItemDataRole.CheckStateRole) is not None:
            extra += 24
    fits = metrics.horizontalAdvance(text) + extra <= rect.width() and metrics.height() <= rect.height() + 2
    return text.strip() if fits else ""
