//! Pictures of terminals, for the documentation: recorded from the real program, kept as SVG.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anstyle::{Ansi256Color, Color, Effects, RgbColor, Style};
use anstyle_svg::{Term, WIN10_CONSOLE};

use super::Terminal;

/// Colours that can be read on dark ground.
const TERM: Term = Term::new()
    .palette(WIN10_CONSOLE)
    .fg_color(Color::Rgb(RgbColor(214, 214, 220)))
    .bg_color(Color::Rgb(RgbColor(24, 25, 33)));

/// Holds a picture of the documentation against what a terminal shows now, with its escape sequences: each of these lines must
/// be in both, whatever numbers and white space are in it. With `UPDATE_PICTURES` set the picture
/// is taken anew.
pub fn check(name: &str, screen: &str, lines: &[&str]) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.svg"));
    let picture = TERM.render_svg(screen);
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &picture).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    for line in lines {
        for (text, which) in [(text(&picture), "screen"), (text(&kept), "picture")] {
            assert!(text.contains(&masked(line)), "not on the {which} '{name}': {line}\n{text}");
        }
    }
}

/// The words of a picture, masked.
fn text(svg: &str) -> String {
    let body = svg.split_once("<text").map_or("", |(_, body)| body);
    let words: String =
        body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    masked(&html_escape::decode_html_entities(&words))
}

/// A text in which every number is `0`, every run of white space one blank.
pub fn masked(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_digit() {
            '0'
        } else if c.is_whitespace() {
            ' '
        } else {
            c
        };
        if !(matches!(c, '0' | ' ') && out.ends_with(c)) {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// What a terminal shows, as text with the escape sequences of its colours.
pub fn screen(terminal: &Terminal) -> String {
    terminal.look(ansi)
}

fn ansi(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let mut out = String::new();
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            let cell = screen.cell(row, column).unwrap();
            if !cell.is_wide_continuation() {
                let text = if cell.has_contents() { cell.contents() } else { " " };
                let style = style(cell);
                write!(out, "{style}{text}{style:#}").unwrap();
            }
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn style(cell: &vt100::Cell) -> Style {
    let effects = [
        (cell.bold(), Effects::BOLD),
        (cell.dim(), Effects::DIMMED),
        (cell.italic(), Effects::ITALIC),
        (cell.underline(), Effects::UNDERLINE),
        (cell.inverse(), Effects::INVERT),
    ];
    let effects = effects.into_iter().filter(|(on, _)| *on).map(|(_, effect)| effect);
    Style::new()
        .fg_color(colour(cell.fgcolor()))
        .bg_color(colour(cell.bgcolor()))
        .effects(effects.fold(Effects::new(), |all, one| all | one))
}

fn colour(colour: vt100::Color) -> Option<Color> {
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(Ansi256Color(index).into()),
        vt100::Color::Rgb(red, green, blue) => Some(RgbColor(red, green, blue).into()),
    }
}
