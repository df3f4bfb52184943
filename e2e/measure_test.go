package e2e

import "github.com/chromedp/cdproto/emulation"

// seen is what is to see of a page.
type seen struct {
	Width, Scroll int64    // of the window, of what is in it
	Widest        string   // the element that reaches furthest
	Texts         int      // that can be seen
	Faint         []string // those with a contrast under 4.5
	Small         []string // controls under 24 pixels
	Broken        []string // narrower than their words
	Spilt         []string // cells whose words reach into the next one
	Wordless      []string // chips without a word
	Title         string
}

// look opens everything that is folded, and measures the page.
func (b *tab) look() seen {
	b.t.Helper()
	b.ok(command(b.ctx, setHeight, tall(eval[int64](b, "innerWidth"), eval[int64](b, openAll))))
	return eval[seen](b, measurePage)
}

// openAll opens what is folded and returns how high the page is then.
const openAll = `(() => {
	for (const d of document.querySelectorAll("main details:not(.menu)")) d.open = true;
	return document.documentElement.scrollHeight + 100;
})()`

// measurePage measures a page whose window is as high as it: what lies under a
// text is only known of what is in the window.
const measurePage = `(() => {
	scrollTo(0, 0);
	const root = document.documentElement;
	let widest = "", right = 0;
	for (const e of document.body.querySelectorAll("*")) {
		if (e.closest(".scroll, pre, nav") || e.closest("svg svg, svg g") || e.closest(".visually-hidden, .sprite, .skip")) continue;
		const at = e.getBoundingClientRect();
		if (at.width > 0 && at.right > right) { right = at.right; widest = e.tagName + "." + (e.getAttribute("class") || "") + " " + Math.round(at.right) }
	}
	const parse = c => {
		const n = (c.match(/[\d.]+/g) || []).map(Number);
		return {r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1};
	};
	const over = (top, under) => ({r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1});
	const light = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4) };
	const luminance = c => 0.2126 * light(c.r) + 0.7152 * light(c.g) + 0.0722 * light(c.b);
	const canvas = parse(getComputedStyle(document.body).backgroundColor);
	// What an element paints below a text: its background, or its fill.
	const paint = e => {
		const s = getComputedStyle(e);
		if (e instanceof SVGElement && e.tagName !== "svg") {
			if (!["rect", "circle", "path"].includes(e.tagName) || s.fill === "none") return null;
			const c = parse(s.fill);
			c.a *= Number(s.fillOpacity);
			return c;
		}
		return parse(s.backgroundColor);
	};
	const under = (e, x, y) => {
		const stack = document.elementsFromPoint(x, y), own = stack.indexOf(e), layers = [];
		for (const below of stack.slice(own < 0 ? 0 : own)) {
			const c = below === e && e instanceof SVGElement ? null : paint(below);
			if (c && c.a > 0) { layers.push(c); if (c.a === 1) break }
		}
		return layers.reverse().reduce((ground, top) => over(top, ground), canvas.a === 1 ? canvas : {r: 255, g: 255, b: 255, a: 1});
	};
	const faint = [];
	let texts = 0;
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const e = n.parentElement;
		if (!n.data.trim() || e.closest("script, title, desc, style, option, datalist, noscript, .visually-hidden, .skip") || !e.checkVisibility({visibilityProperty: true})) continue;
		const range = document.createRange();
		range.selectNodeContents(n);
		const at = range.getClientRects()[0];
		if (!at || at.width === 0) continue;
		texts++;
		const style = getComputedStyle(e), drawn = e instanceof SVGElement;
		let ground = under(e, at.left + at.width / 2, at.top + at.height / 2);
		if (drawn && style.paintOrder.startsWith("stroke") && style.stroke !== "none") ground = parse(style.stroke); // its halo
		const color = over(parse(drawn ? style.fill : style.color), ground);
		const a = luminance(color), b = luminance(ground);
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) faint.push(n.data.trim().slice(0, 60) + " " + contrast.toFixed(2) + " in " + e.tagName + "." + (e.getAttribute("class") || ""));
	}
	const small = [...document.querySelectorAll("button, input, select, summary, nav a, .button, .segment a, .menu a")].filter(e => e.checkVisibility({visibilityProperty: true}) && e.type !== "hidden" && !e.closest("label")).filter(e => {
		const at = e.getBoundingClientRect();
		return at.width > 0 && (at.height < 23.5 && !(e.type === "radio" || e.type === "checkbox") || at.width < 18);
	}).map(e => e.outerHTML.slice(0, 80));
	// A column so narrow that words break letter by letter.
	const broken = [...document.querySelectorAll("td, th, dt, dd, p, li")].filter(e => e.checkVisibility({visibilityProperty: true}) && e.textContent.trim().length > 4 && e.clientWidth < 40 && !e.closest(".visually-hidden, thead")).map(e => e.textContent.trim().slice(0, 40));
	const spilt = [...document.querySelectorAll("td, th")].filter(e => e.checkVisibility({visibilityProperty: true}) && !e.closest(".visually-hidden, pre") && e.clientWidth > 1 && getComputedStyle(e).overflowX === "visible" && e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.trim().slice(0, 40) + " " + e.scrollWidth + " in " + e.clientWidth);
	const wordless = [...document.querySelectorAll(".chip, .budget")].filter(e => !e.textContent.trim()).map(e => e.outerHTML.slice(0, 80));
	return {width: root.clientWidth, scroll: root.scrollWidth, widest, texts, faint, small, broken, spilt, wordless, title: document.title};
})()`

// setHeight makes the window as high as the page.
var setHeight = emulation.SetDeviceMetricsOverride

func tall(width, height int64) emulation.SetDeviceMetricsOverrideParams {
	return emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}
}
