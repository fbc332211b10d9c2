//! `first_paint TEXT COMMAND…`: runs a command on a terminal of its own and prints how many
//! microseconds it took until the screen showed TEXT. Then types Zellij's keys for leaving
//! (Ctrl+o d) and waits for the end. The benchmark of attaching uses it (`tests/bench.sh`).
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measuring tool, not the product"
)]

use std::io::{Read, Write};
use std::num::NonZero;
use std::time::Instant;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

fn main() {
    let mut args = std::env::args().skip(1);
    let text = args.next().expect("usage: first_paint TEXT COMMAND…");
    let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a terminal");
    let mut command = CommandBuilder::from_argv(args.map(Into::into).collect());
    command.cwd(std::env::current_dir().expect("a directory"));
    command.env("TERM", "xterm-256color");
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let mut writer = pair.master.take_writer().expect("a writer");
    let (lines, columns) = (NonZero::new(30), NonZero::new(100));
    let mut parser = vt100::Parser::new(lines.expect("not zero"), columns.expect("not zero"), 0);
    let begin = Instant::now();
    let mut child = pair.slave.spawn_command(command).expect("the command");
    // Or this process would keep the terminal open, and never see its end.
    drop(pair.slave);
    let mut buffer = [0; 4096];
    while !parser.screen().contents().contains(&text) {
        let read = reader.read(&mut buffer).expect("the screen");
        assert!(read > 0, "ended before it showed {text}: {}", parser.screen().contents());
        parser.process(&buffer[..read]);
    }
    println!("{}", begin.elapsed().as_micros());
    writer.write_all(b"\x0fd").expect("the keys");
    while reader.read(&mut buffer).is_ok_and(|read| read > 0) {}
    child.wait().expect("the end");
}
