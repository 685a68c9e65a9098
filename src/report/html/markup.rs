//! Text made fit for HTML.

use crate::error::text::clean;

/// `text` as it reads, between tags and inside quoted attributes; control codes are left out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_becomes_text() {
        let text = "<script>alert(\"x\" & 'y')</script>\u{1b}[2J\u{202e}";
        assert_eq!(
            escape(text),
            "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;[2J"
        );
        assert_eq!(escape("Bär → ε"), "Bär → ε");
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_ends_a_text_or_an_attribute(text: String) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let and = escaped.matches('&').count();
            let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
            let entities: usize = known.iter().map(|name| escaped.matches(name).count()).sum();
            prop_assert_eq!(and, entities);
            let back = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                .replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, clean(&text));
        }
    }
}
