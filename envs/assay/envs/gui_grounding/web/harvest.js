// What can be clicked on the page as it stands, with boxes in CSS pixels of the viewport. Changes nothing that stays.
// Argument: { least: least side in CSS pixels }. Through open shadow roots and frames of the same origin.
({ least }) => {
  const ROLES = new Set(
    ('button link checkbox radio switch tab menuitem menuitemcheckbox menuitemradio option textbox searchbox combobox ' +
      'slider spinbutton treeitem').split(' ')
  )
  const TICKED = new Set(['checkbox', 'radio'])
  const frames = new Map() // frame element -> { doc, x, y } of its content
  const roots = [] // documents and shadow roots, for the style sheet of the second look
  const found = []
  let lettingThrough = false

  const squeeze = (text, most = 120) => (text || '').replace(/\s+/g, ' ').trim().slice(0, most)
  const above = (el) => {
    if (el.assignedSlot) return el.assignedSlot
    const parent = el.parentNode
    if (!parent) return null
    if (parent.nodeType === 11) return parent.host || null
    return parent.nodeType === 1 ? parent : null
  }
  const tagOf = (el) => el.localName
  const roleOf = (el) => (el.getAttribute('role') || '').trim().split(/\s+/)[0].toLowerCase()
  const isTicked = (el) => tagOf(el) === 'input' && TICKED.has(el.type)

  const isControl = (el) => {
    const tag = tagOf(el)
    if (tag === 'a' || tag === 'area') return el.hasAttribute('href') || el.hasAttribute('onclick') || ROLES.has(roleOf(el))
    if (tag === 'input') return el.type !== 'hidden'
    if (tag === 'button' || tag === 'select' || tag === 'textarea') return true
    if (tag === 'summary') return el.parentNode && tagOf(el.parentNode) === 'details'
    if (tag === 'option' && el.closest('select')) return false
    if (ROLES.has(roleOf(el)) || el.hasAttribute('onclick')) return true
    return el.isContentEditable && !(el.parentElement && el.parentElement.isContentEditable)
  }

  // The control that a click on an element works on, and whether it does so through a label.
  const ownerOf = (el) => {
    for (let at = el; at; at = above(at)) {
      if (controls.has(at)) return [at, false]
      if (tagOf(at) === 'label' && at.control) return [at.control, true]
    }
    return [null, false]
  }

  const hit = (x, y) => {
    let root = document, ox = 0, oy = 0
    let el = root.elementFromPoint(x, y)
    while (el) {
      if (el.shadowRoot) {
        const inner = el.shadowRoot.elementFromPoint(x - ox, y - oy)
        if (!inner || inner === el || inner.getRootNode() !== el.shadowRoot) return el
        el = inner
        continue
      }
      const frame = frames.get(el)
      if (!frame) return el
      ox = frame.x
      oy = frame.y
      const inner = frame.doc.elementFromPoint(x - ox, y - oy)
      if (!inner) return el
      el = inner
    }
    return null
  }

  const united = (rects) => {
    if (!rects.length) return null
    const box = [Infinity, Infinity, -Infinity, -Infinity]
    for (const r of rects) {
      box[0] = Math.min(box[0], r[0])
      box[1] = Math.min(box[1], r[1])
      box[2] = Math.max(box[2], r[2])
      box[3] = Math.max(box[3], r[3])
    }
    return box
  }
  const rectsOf = (el, at) =>
    [...el.getClientRects()]
      .filter((r) => r.width > 0.5 && r.height > 0.5)
      .map((r) => [r.left + at.x, r.top + at.y, r.right + at.x, r.bottom + at.y])

  // Boxes that may be the control's, the most telling first: a tick box with its label, an inline link with its picture.
  const boxesOf = (el, at, style) => {
    const own = rectsOf(el, at)
    const boxes = []
    if (isTicked(el) && el.labels) {
      for (const label of el.labels) {
        const box = united([...rectsOf(label, at), ...own])
        if (box) boxes.push(box)
      }
    }
    if (style.display === 'inline' && el.firstElementChild) {
      const all = [...own]
      for (const inner of el.querySelectorAll('*')) all.push(...rectsOf(inner, at))
      boxes.push(united(all))
    }
    if (own.length) boxes.push(united(own))
    return { boxes: boxes.filter((box) => box), pieces: own.length }
  }

  const rounded = (style) =>
    ['TopLeft', 'TopRight', 'BottomLeft', 'BottomRight'].some((k) => parseFloat(style[`border${k}Radius`]) > 2)

  // Points that must all be the control's own: the centre, a grid, the middles of the edges, and square corners.
  const pointsOf = (box, corners) => {
    const [x1, y1, x2, y2] = box
    const w = x2 - x1, h = y2 - y1
    const dx = Math.min(2, w / 6), dy = Math.min(2, h / 6) // text is hit on whole pixels, up to 1.5 short of its edge
    const points = [[(x1 + x2) / 2, (y1 + y2) / 2]]
    const nx = Math.max(3, Math.min(9, Math.ceil(w / 12))), ny = Math.max(3, Math.min(9, Math.ceil(h / 12)))
    for (let i = 0; i < nx; i++)
      for (let j = 0; j < ny; j++)
        points.push([x1 + w * (0.16 + (0.68 * i) / (nx - 1)), y1 + h * (0.16 + (0.68 * j) / (ny - 1))])
    points.push([(x1 + x2) / 2, y1 + dy], [(x1 + x2) / 2, y2 - dy], [x1 + dx, (y1 + y2) / 2], [x2 - dx, (y1 + y2) / 2])
    if (corners) points.push([x1 + dx, y1 + dy], [x2 - dx, y1 + dy], [x1 + dx, y2 - dy], [x2 - dx, y2 - dy])
    return points
  }

  const paints = (el) => {
    const style = getComputedStyle(el)
    if (parseFloat(style.opacity) < 0.05 || style.visibility !== 'visible') return false
    if (['img', 'svg', 'canvas', 'video', 'path', 'object', 'embed', 'iframe'].includes(tagOf(el))) return true
    if (style.backgroundImage !== 'none' || !/^(transparent|rgba\(.*, 0\))$/.test(style.backgroundColor)) return true
    return [...el.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
  }

  // Whether there is anything to see of a control: itself, or something in it.
  const shows = (el) => {
    if (['input', 'select', 'textarea', 'button'].includes(tagOf(el)) || el.shadowRoot) return true
    const all = [el, ...el.querySelectorAll('*')].slice(0, 200)
    return all.some((each) => {
      if (paints(each)) return true
      const style = getComputedStyle(each)
      if (['Top', 'Left'].some((k) => parseFloat(style[`border${k}Width`]) > 0)) return true
      return ['::before', '::after'].some((k) => !['none', 'normal', '""'].includes(getComputedStyle(each, k).content))
    })
  }

  // Why a box cannot be pointed at, or ''.
  const trouble = (el, box, style) => {
    if (box[2] - box[0] < least || box[3] - box[1] < least) return 'smaller than 4 px'
    if (box[0] < 0 || box[1] < 0 || box[2] > innerWidth || box[3] > innerHeight) return 'cut off by the edge'
    for (const [x, y] of pointsOf(box, !rounded(style))) {
      const [owner, byLabel] = ownerOf(hit(x, y))
      if (owner !== el) return owner && contains(el, owner) ? 'holds other controls' : 'covered or clipped'
      if (byLabel && !isTicked(el)) return 'covered or clipped'
    }
    return ''
  }
  const contains = (outer, inner) => {
    for (let at = inner; at; at = above(at)) if (at === outer) return true
    return false
  }

  const opaque = (style) => {
    const parts = /rgba?\(([^)]+)\)/.exec(style.backgroundColor)
    return !!parts && (parts[1].split(',').length < 4 || parseFloat(parts[1].split(',')[3]) > 0.9)
  }
  // Share of a box that can be seen: within the viewport and not below something that nothing shines through.
  const seenShare = (el, box) => {
    const points = pointsOf(box, false)
    let seen = 0
    for (const [x, y] of points) {
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue
      let hidden = false
      for (let at = hit(x, y); at && !hidden && !contains(at, el); at = above(at)) {
        const style = styles.get(at) || getComputedStyle(at)
        hidden = !contains(el, at) && (opaque(style) || ['img', 'video', 'canvas'].includes(tagOf(at)))
      }
      if (!hidden) seen++
    }
    return seen / points.length
  }

  // A click well outside of the box works as well, so that the box is not the whole truth.
  const reachesFurther = (el, box) => {
    const gap = 5, [x1, y1, x2, y2] = box, mx = (x1 + x2) / 2, my = (y1 + y2) / 2
    for (const [x, y] of [[mx, y1 - gap], [mx, y2 + gap], [x1 - gap, my], [x2 + gap, my]]) {
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue
      const [owner, byLabel] = ownerOf(hit(x, y))
      if (owner === el && !byLabel) return true
    }
    return false
  }

  const isDisabled = (el) => {
    if (el.matches(':disabled')) return true
    for (let at = el; at; at = above(at)) if (at.getAttribute('aria-disabled') === 'true') return true
    return false
  }
  const isHidden = (el, style) => {
    if (style.visibility !== 'visible' || style.display === 'none') return true
    let opacity = 1
    for (let at = el; at; at = above(at)) opacity *= parseFloat(getComputedStyle(at).opacity)
    return opacity < 0.15 && !(isTicked(el) && el.labels && el.labels.length)
  }

  const written = (el) => {
    const tag = tagOf(el)
    if (tag === 'input') {
      if (['submit', 'reset', 'button'].includes(el.type))
        return squeeze(el.value || { submit: 'Submit', reset: 'Reset' }[el.type])
      if (isTicked(el)) return squeeze(el.labels && [...el.labels].map((label) => label.innerText).join(' '))
      if (['image', 'range', 'color', 'file'].includes(el.type)) return ''
      return squeeze(el.type === 'password' ? (el.value ? '' : el.placeholder) : el.value || el.placeholder)
    }
    if (tag === 'textarea') return squeeze(el.value || el.placeholder)
    if (tag === 'select') return squeeze(el.selectedOptions.length ? el.selectedOptions[0].innerText : '')
    return squeeze(el.innerText)
  }
  const labelOf = (el) => {
    if (isTicked(el)) return ''
    const by = (el.getAttribute('aria-labelledby') || '').split(/\s+/).filter(Boolean)
    const texts = by.map((id) => el.getRootNode().getElementById && el.getRootNode().getElementById(id))
    if (el.labels) texts.push(...el.labels)
    return squeeze(texts.filter((each) => each && !contains(each, el)).map((each) => each.innerText).join(' ')) ||
      squeeze(texts.filter((each) => each && contains(each, el)).map(ownText).join(' '))
  }
  const ownText = (el) => [...el.childNodes].filter((n) => n.nodeType === 3 || tagOf(n) === 'span').map((n) => n.textContent).join(' ')

  const PLACES = {
    nav: 'navigation bar', header: 'top bar', footer: 'bottom bar', aside: 'side bar', navigation: 'navigation bar',
    banner: 'top bar', contentinfo: 'bottom bar', complementary: 'side bar', toolbar: 'tool bar', tablist: 'tabs',
    menu: 'menu', menubar: 'menu bar', search: 'search bar',
  }
  const BLOCKS = new Set(['section', 'article', 'fieldset', 'form', 'dialog', 'li', 'details'])
  const seen = (el) => el && el.getClientRects().length && squeeze(el.innerText, 60)
  // Where it stands: the nearest part of the page with a heading that can be read, or of a well-known kind.
  const placeOf = (el) => {
    for (let at = above(el); at; at = above(at)) {
      const tag = tagOf(at), role = roleOf(at)
      if (tag === 'body') break
      if (tag === 'table') {
        const caption = seen(at.caption)
        if (caption) return caption
        continue
      }
      if (BLOCKS.has(tag) || role === 'dialog' || role === 'group' || role === 'region' || PLACES[role]) {
        const head = at.querySelector(':scope > legend, :scope > h1, :scope > h2, :scope > h3, :scope > h4, ' +
          ':scope > :first-child > :is(h1, h2, h3, h4), :scope > header :is(h1, h2, h3, h4), :scope > summary')
        const text = head !== el && head && !head.contains(el) && seen(head)
        if (text) return text
      }
      if (PLACES[role] || PLACES[tag]) return PLACES[role] || PLACES[tag]
      if (tag === 'dialog' || role === 'dialog' || role === 'alertdialog') return 'dialog'
    }
    return ''
  }
  const cellOf = (el) => {
    const cell = el.closest('td, th'), row = cell && cell.parentNode, table = cell && cell.closest('table')
    if (!table || tagOf(row) !== 'tr') return ['', '']
    const first = row.querySelector('th[scope=row]') || row.cells[0]
    const heads = table.tHead && table.tHead.rows[0] ? table.tHead.rows[0].cells : []
    const column = tagOf(row.parentNode) === 'thead' ? '' : seen(heads[cell.cellIndex]) || ''
    return [tagOf(row.parentNode) === 'thead' ? '' : seen(first) || '', column]
  }

  const styles = new Map()
  const controls = new Set()
  const visit = (el, path, at, pointed) => {
    const style = getComputedStyle(el)
    if (style.display === 'none') return
    styles.set(el, style)
    if (style.pointerEvents === 'none') lettingThrough = true
    const hand = style.cursor === 'pointer'
    if (isControl(el)) {
      controls.add(el)
      found.push({ el, path, at, style, plain: false })
      pointed = true
    } else if (hand && !pointed && tagOf(el) !== 'label' && !['html', 'body'].includes(tagOf(el))) {
      controls.add(el)
      found.push({ el, path, at, style, plain: true })
      pointed = true
    }
    if (el.shadowRoot) {
      roots.push(el.shadowRoot)
      ;[...el.shadowRoot.children].forEach((inner, i) => visit(inner, [...path, 's', i], at, pointed))
    }
    if (tagOf(el) === 'iframe') {
      let doc = null
      try { doc = el.contentDocument } catch { doc = null }
      const box = el.getBoundingClientRect()
      const straight = Math.abs(box.width - el.offsetWidth) < 1 && Math.abs(box.height - el.offsetHeight) < 1
      if (doc && doc.documentElement && straight) {
        const pad = (side) => parseFloat(style[`padding${side}`]) || 0
        const inner = { doc, x: at.x + box.left + el.clientLeft + pad('Left'), y: at.y + box.top + el.clientTop + pad('Top') }
        frames.set(el, inner)
        roots.push(doc)
        visit(doc.documentElement, [...path, 'f'], inner, false)
      }
      return
    }
    let i = 0
    for (const inner of el.children) visit(inner, [...path, i++], at, pointed)
  }
  roots.push(document)
  visit(document.documentElement, [], { x: 0, y: 0 }, false)

  const elements = []
  const chosen = new Map()
  for (const { el, path, at, style, plain } of found) {
    const { boxes, pieces } = boxesOf(el, at, style)
    if (!boxes.length) continue
    let why = isHidden(el, style) ? 'hidden' : isDisabled(el) ? 'disabled' : ''
    let box = boxes[boxes.length - 1]
    if (!why) {
      for (const each of boxes) {
        why = trouble(el, each, style)
        box = each
        if (!why) break
      }
      if (why === 'covered or clipped' && pieces > 1) why = 'in several pieces'
      if (!why && !shows(el)) why = 'nothing to see there'
      if (!why && reachesFurther(el, box)) why = 'its box is not all of it'
    }
    const off = box[2] <= 0 || box[3] <= 0 || box[0] >= innerWidth || box[1] >= innerHeight
    const [row, column] = cellOf(el)
    const element = {
      path, box, why, off, plain, tag: tagOf(el), type: tagOf(el) === 'input' ? el.type : '', id: el.id || '',
      text: written(el), label: labelOf(el), place: placeOf(el), row, column, title: squeeze(el.title),
    }
    if (why === 'hidden') continue
    if (why && !off && seenShare(el, box) < 0.15) element.off = true
    chosen.set(element, el)
    elements.push(element)
  }

  // What lets clicks through but hides what lies below.
  if (lettingThrough) {
    const sheets = roots.map((root) => {
      const view = (root.defaultView || root.ownerDocument.defaultView)
      const sheet = new view.CSSStyleSheet()
      sheet.replaceSync('* { pointer-events: auto !important }')
      const before = [...root.adoptedStyleSheets]
      root.adoptedStyleSheets = [...before, sheet]
      return [root, before]
    })
    for (const element of elements) {
      if (element.why) continue
      const el = chosen.get(element)
      for (const [x, y] of pointsOf(element.box, false)) {
        const over = hit(x, y)
        if (over && ownerOf(over)[0] !== el && paints(over)) {
          element.why = 'covered or clipped'
          break
        }
      }
    }
    for (const [root, before] of sheets) root.adoptedStyleSheets = before
  }

  const page = document.scrollingElement || document.documentElement
  return {
    elements,
    view: [innerWidth, innerHeight],
    scroll: [scrollX, scrollY],
    full: [page.scrollWidth, page.scrollHeight],
    title: squeeze(document.title),
    text: squeeze(document.body ? document.body.innerText : '', 200000),
  }
}
