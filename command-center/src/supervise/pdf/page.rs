//! Blocks laid out over pages: headings, notes, and tables that break between rows, with their heads on each page.

use super::font::{Face, lines, pieces, width};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Content, Filter, Name, Pdf, Rect, Ref, Str, TextStr};
use std::io::Write;

/// A4, on its side, in points.
const WIDTH: f32 = 842.0;
const HEIGHT: f32 = 595.0;
const MARGIN: f32 = 40.0;
/// Of the text, and of heads and what stands in the margin.
const SIZE: f32 = 8.5;
const SMALL: f32 = 7.0;
/// From one line to the next.
const LEADING: f32 = 1.35;
/// Around a cell's text.
const PAD: f32 = 3.0;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A column: what its head says, its share of the width, and where its text stands.
pub(super) struct Column {
    pub(super) head: String,
    pub(super) share: f32,
    pub(super) align: Align,
}

/// What stands in a cell.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Text(String),
    /// An interval on a scale from 0 to 100, and the value in it, if it has one.
    Interval {
        low: f64,
        high: f64,
        value: Option<f64>,
    },
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

/// A document in the making.
pub(super) struct Document {
    title: String,
    foot: String,
    pages: Vec<Content>,
    /// The lowest point of what stands on the last page.
    at: f32,
}

impl Document {
    /// With this title, and this at the foot of each page.
    pub(super) fn new(title: &str, foot: &str) -> Document {
        let mut document = Document { title: title.to_owned(), foot: foot.to_owned(), pages: Vec::new(), at: 0.0 };
        document.turn();
        document
    }

    /// A heading, which does not stand alone at the end of a page.
    pub(super) fn heading(&mut self, text: &str, size: f32) {
        self.need(size * LEADING * 2.0 + 60.0);
        self.at -= size * LEADING;
        self.text(text, size, MARGIN, self.at);
        self.at -= size * 0.5;
    }

    /// A paragraph.
    pub(super) fn note(&mut self, text: &str) {
        for line in lines(text, SIZE, WIDTH - 2.0 * MARGIN) {
            self.need(SIZE * LEADING);
            self.at -= SIZE * LEADING;
            self.text(&line, SIZE, MARGIN, self.at);
        }
        self.at -= SIZE * 0.5;
    }

    /// A table.
    pub(super) fn table(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        let shares: f32 = columns.iter().map(|column| column.share).sum();
        let widths: Vec<f32> =
            columns.iter().map(|column| column.share / shares * (WIDTH - 2.0 * MARGIN) - 2.0 * PAD).collect();
        let heads: Vec<Vec<String>> =
            columns.iter().zip(&widths).map(|(column, width)| lines(&column.head, SMALL, *width)).collect();
        let head_height = height(heads.iter().map(Vec::len).max(), SMALL);
        let rows: Vec<Vec<(&Cell, Vec<String>)>> = rows
            .iter()
            .map(|row| row.iter().zip(&widths).map(|(cell, width)| (cell, cell.lines(*width))).collect())
            .collect();
        let row_height = |row: &[(&Cell, Vec<String>)]| height(row.iter().map(|(_, lines)| lines.len()).max(), SIZE);
        // The head stands with a row at least.
        self.need(head_height + rows.first().map_or(0.0, |row| row_height(row)));
        self.head(columns, &widths, &heads, head_height);
        for row in &rows {
            let tall = row_height(row);
            if self.at - tall < MARGIN {
                self.turn();
                self.head(columns, &widths, &heads, head_height);
            }
            let (top, mut x) = (self.at, MARGIN);
            for (((cell, lines), column), width) in row.iter().zip(columns).zip(&widths) {
                match cell {
                    Cell::Text(_) => self.cell(lines, SIZE, (x + PAD, top, *width), column.align),
                    Cell::Interval { low, high, value } => {
                        self.interval((*low, *high, *value), (x + PAD, top - tall, *width, tall));
                    }
                }
                x += width + 2.0 * PAD;
            }
            self.at -= tall;
            self.rule(0.25, 0.75);
        }
        self.at -= SIZE;
    }

    fn head(&mut self, columns: &[Column], widths: &[f32], heads: &[Vec<String>], tall: f32) {
        let (top, mut x) = (self.at, MARGIN);
        for ((column, lines), width) in columns.iter().zip(heads).zip(widths) {
            self.cell(lines, SMALL, (x + PAD, top, *width), column.align);
            x += width + 2.0 * PAD;
        }
        self.at -= tall;
        self.rule(0.75, 0.2);
    }

    fn cell(&mut self, lines: &[String], size: f32, (x, top, wide): (f32, f32, f32), align: Align) {
        for (number, line) in lines.iter().enumerate() {
            let indent = if align == Align::Right { wide - width(line, size) } else { 0.0 };
            self.text(line, size, x + indent, top - PAD - size - number as f32 * size * LEADING);
        }
    }

    /// A bar from low to high, and a mark at the value.
    fn interval(&mut self, (low, high, value): (f64, f64, Option<f64>), (x, y, wide, tall): (f32, f32, f32, f32)) {
        let at = |value: f64| x + (value.clamp(0.0, 100.0) / 100.0) as f32 * wide;
        let (middle, thick) = (y + tall / 2.0, SIZE * 0.7);
        let page = self.page();
        page.set_fill_gray(0.92).rect(x, middle - thick / 2.0, wide, thick).fill_nonzero();
        page.set_fill_gray(0.55).rect(at(low), middle - thick / 2.0, at(high) - at(low), thick).fill_nonzero();
        if let Some(value) = value {
            page.set_fill_gray(0.0).rect(at(value) - 0.75, middle - thick * 0.75, 1.5, thick * 1.5).fill_nonzero();
        }
        page.set_fill_gray(0.0);
    }

    /// A line across the page.
    fn rule(&mut self, thick: f32, gray: f32) {
        let at = self.at;
        let page = self.page();
        page.set_stroke_gray(gray).set_line_width(thick).move_to(MARGIN, at).line_to(WIDTH - MARGIN, at).stroke();
    }

    fn text(&mut self, text: &str, size: f32, x: f32, y: f32) {
        set(self.page(), text, size, x, y);
    }

    fn page(&mut self) -> &mut Content {
        self.pages.last_mut().expect("a document has a page from the beginning")
    }

    /// Goes to another page where there is no room of this height.
    fn need(&mut self, tall: f32) {
        if self.at - tall < MARGIN {
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.pages.push(Content::new());
        self.at = HEIGHT - MARGIN;
    }

    /// The file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let count = self.pages.len();
        for (number, page) in self.pages.iter_mut().enumerate() {
            let place = format!("第 {} / {count} 页 page {0} of {count}", number + 1);
            set(page, &self.foot, SMALL, MARGIN, MARGIN / 2.0);
            set(page, &place, SMALL, WIDTH - MARGIN - width(&place, SMALL), MARGIN / 2.0);
        }
        write(&self.title, self.pages)
    }
}

impl Cell {
    fn lines(&self, width: f32) -> Vec<String> {
        match self {
            Cell::Text(text) => lines(text, SIZE, width),
            Cell::Interval { .. } => vec![String::new()],
        }
    }
}

fn height(lines: Option<usize>, size: f32) -> f32 {
    lines.unwrap_or(1) as f32 * size * LEADING + 2.0 * PAD
}

/// Sets a line of text, its left end at a point of the base line.
fn set(page: &mut Content, text: &str, size: f32, x: f32, y: f32) {
    page.begin_text().next_line(x, y);
    for (face, bytes) in pieces(text) {
        page.set_font(name(face), size).show(Str(&bytes));
    }
    page.end_text();
}

fn name(face: Face) -> Name<'static> {
    match face {
        Face::Latin => Name(b"L"),
        Face::Chinese => Name(b"C"),
    }
}

/// The pages as a file. It names no time and no machine, so that the same report is the same file.
fn write(title: &str, pages: Vec<Content>) -> Vec<u8> {
    let mut next = 0;
    let mut id = || {
        next += 1;
        Ref::new(next)
    };
    let (catalog, tree, info) = (id(), id(), id());
    let (latin, chinese, descendant, descriptor) = (id(), id(), id(), id());
    let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (id(), id())).collect();
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree).lang(TextStr("zh-CN"));
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("citywatch"));
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(pages.len() as i32);
    pdf.type1_font(latin).base_font(Name(b"Helvetica")).encoding_predefined(Name(b"WinAnsiEncoding"));
    let (base, collection) = (Name(b"STSong-Light"), (Str(b"Adobe"), Str(b"GB1")));
    pdf.type0_font(chinese).base_font(base).encoding_predefined(Name(b"UniGB-UTF16-H")).descendant_font(descendant);
    let system = SystemInfo { registry: collection.0, ordering: collection.1, supplement: 4 };
    pdf.cid_font(descendant)
        .subtype(CidFontType::Type0)
        .base_font(base)
        .system_info(system)
        .font_descriptor(descriptor)
        .default_width(1_000.0);
    pdf.font_descriptor(descriptor)
        .name(base)
        .flags(FontFlags::SERIF | FontFlags::SYMBOLIC)
        .bbox(Rect::new(-134.0, -254.0, 1_001.0, 905.0))
        .italic_angle(0.0)
        .ascent(752.0)
        .descent(-271.0)
        .cap_height(737.0)
        .stem_v(58.0);
    for ((page, content), drawn) in ids.into_iter().zip(pages) {
        let mut of = pdf.page(page);
        of.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(content);
        of.resources().fonts().pair(name(Face::Latin), latin).pair(name(Face::Chinese), chinese);
        drop(of);
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(drawn.finish().as_slice()).expect("memory takes everything");
        let packed = encoder.finish().expect("memory takes everything");
        pdf.stream(content, &packed).filter(Filter::FlateDecode);
    }
    pdf.finish()
}
