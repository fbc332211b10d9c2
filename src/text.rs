//! Text from outside, made fit for a terminal.

/// `text` without anything that a terminal would obey.
#[must_use]
pub fn clean(text: &str) -> String {
    let is_harmless = |c: char| !c.is_control() && !is_directional(c);
    text.chars().fold(String::new(), |mut out, c| {
        if is_harmless(c) {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
        out
    })
}

/// Characters that reorder what is shown around them (UAX #9).
fn is_directional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}
