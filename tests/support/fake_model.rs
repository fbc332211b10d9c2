//! A language model that is not: enough of Anthropic's Messages API and of the streamed completions of
//! `OpenAI` for the real agents to work against, on a port of its own on 127.0.0.1.
//!
//! What it says follows from the conversation alone:
//! - `write FILE TEXT` in the last prompt: a call of the agent's own tool for writing (`Write` of Claude
//!   Code, `write` of `OpenCode`) for `/workspace/FILE`, then, once it has the tool's result, `wrote it`;
//! - any other prompt: `turn N echo: PROMPT`, where N counts the prompts of the conversation, so that a
//!   resumed one shows itself.
//!
//! Answers can be held back for as long as a test wants the agent to be at work. Nothing sleeps and nothing
//! is shared: every test can have one, all at the same time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::{Value, json};

use super::PATIENCE;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct FakeModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

/// What an agent asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The request's body.
    pub body: Value,
    /// The key or token that came with it.
    pub key: String,
}

impl Question {
    /// Whether it is the one that follows this prompt: the last thing that the user said.
    fn asks(&self, prompt: &str) -> bool {
        prompts(&self.body).last().is_some_and(|last| last.contains(prompt))
    }
}

#[derive(Debug, Default)]
struct State {
    questions: Vec<Question>,
    held: bool,
    stopped: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Keeps the question, and waits until it may be answered. Its number: Claude Code takes answers with
    /// the same id for parts of one.
    fn record(&self, question: &Value, key: &str) -> usize {
        let mut state = self.state();
        state.questions.push(Question { body: question.clone(), key: key.to_owned() });
        let number = state.questions.len();
        self.changed.notify_all();
        while state.held && !state.stopped {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        number
    }
}

impl FakeModel {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared::default());
        let server = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || serve(&listener, &shared)
        });
        Self { address, shared, server: Some(server) }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All questions so far, in order. Agents ask some of their own, as for a title.
    pub fn questions(&self) -> Vec<Question> {
        self.shared.state().questions.clone()
    }

    /// Holds back all answers until `release`.
    pub fn hold(&self) {
        self.shared.change(|state| state.held = true);
    }

    /// Gives the answers that were held back, and all later ones at once.
    pub fn release(&self) {
        self.shared.change(|state| state.held = false);
    }

    /// Waits until an agent asks with this prompt.
    pub fn wait_for(&self, prompt: &str) -> Question {
        let begin = Instant::now();
        let mut state = self.shared.state();
        loop {
            if let Some(found) = state.questions.iter().find(|question| question.asks(prompt)) {
                return found.clone();
            }
            let left = PATIENCE.saturating_sub(begin.elapsed());
            assert!(!left.is_zero(), "never asked: {prompt}");
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.shared.change(|state| state.stopped = true);
        // Wakes `accept`, which then sees that it is over.
        drop(TcpStream::connect(self.address));
        if let Some(server) = self.server.take() {
            drop(server.join());
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.state().stopped {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // An agent that hangs up in the middle is no fault of the test.
        std::thread::spawn(move || drop(exchange(stream, &shared)));
    }
}

/// One request and its response on one connection.
fn exchange(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (head, key, body) = read_request(&mut reader)?;
    let target = head.split_whitespace().nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let question: Value = serde_json::from_slice(&body).unwrap_or_default();
    let streamed = question["stream"] == json!(true);

    let (kind, text) = if path.ends_with("/messages") {
        anthropic::respond(&question, streamed, shared.record(&question, &key))
    } else if path.ends_with("/chat/completions") {
        openai::respond(&question, shared.record(&question, &key))
    } else if path.ends_with("/count_tokens") {
        (JSON, json!({ "input_tokens": 1 }).to_string())
    } else {
        (JSON, json!({ "data": [] }).to_string())
    };
    write!(
        reader.get_mut(),
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// The request line, the key and the body.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<(String, String, Vec<u8>)> {
    let mut head = String::new();
    reader.read_line(&mut head)?;
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "x-api-key" | "authorization" => {
                key = value.trim().trim_start_matches("Bearer ").to_owned();
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, key, body))
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// What the model does next.
enum Answer {
    Text(String),
    Write { tool: &'static str, file: String, text: String },
}

/// What the user typed, in order; and whether the last word was a tool's.
struct Conversation {
    prompts: Vec<String>,
    tool_has_spoken: bool,
}

impl Conversation {
    /// `tool` is the agent's name for its writing tool: questions without it, as for a title, get text.
    fn answer(&self, question: &Value, tool: &'static str) -> Answer {
        if self.tool_has_spoken {
            return Answer::Text("wrote it".to_owned());
        }
        // `opencode run` puts the prompt in quotes.
        let prompt = self.prompts.last().map_or("", |prompt| prompt.trim().trim_matches('"'));
        let has_tool = question["tools"].as_array().is_some_and(|tools| {
            tools.iter().any(|t| t["name"] == tool || t["function"]["name"] == tool)
        });
        let order = prompt.split_once("write ").and_then(|(_, order)| order.split_once(' '));
        match order {
            Some((file, text)) if has_tool => Answer::Write {
                tool,
                file: format!("/workspace/{file}"),
                text: text.lines().next().unwrap_or_default().to_owned(),
            },
            _ => Answer::Text(format!("turn {} echo: {}", self.prompts.len(), first_line(prompt))),
        }
    }
}

fn first_line(prompt: &str) -> String {
    prompt.lines().next().unwrap_or_default().chars().take(200).collect()
}

/// The texts of a message's content, which is a string or a list of blocks. Agents put words of their own
/// into the user's mouth, in `<system-reminder>`.
fn texts(content: &Value) -> Vec<&str> {
    let texts = match content {
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        other => Vec::from_iter(other.as_str()),
    };
    texts.into_iter().filter(|text| !text.trim_start().starts_with("<system-reminder>")).collect()
}

fn messages(question: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    question["messages"].as_array().into_iter().flatten()
}

/// The last text of each message of the user's that has one.
fn prompts(question: &Value) -> Vec<String> {
    messages(question)
        .filter(|message| message["role"] == "user")
        .filter_map(|message| texts(&message["content"]).last().map(|text| (*text).to_owned()))
        .collect()
}

mod anthropic {
    use super::{Answer, Conversation, EVENTS, JSON, Value, json, messages, prompts, texts};

    pub(super) fn respond(
        question: &Value,
        streamed: bool,
        number: usize,
    ) -> (&'static str, String) {
        // Claude Code ends some questions with a `system` message: the last word is the user's.
        let last = messages(question).rfind(|message| message["role"] == "user");
        let conversation = Conversation {
            prompts: prompts(question),
            tool_has_spoken: last.is_some_and(|message| {
                let blocks = message["content"].as_array();
                blocks.is_some_and(|blocks| blocks.iter().any(|b| b["type"] == "tool_result"))
                    && texts(&message["content"]).is_empty()
            }),
        };
        let (block, delta, reason) = match conversation.answer(question, "Write") {
            Answer::Text(text) => (
                json!({ "type": "text", "text": text }),
                json!({ "type": "text_delta", "text": text }),
                "end_turn",
            ),
            Answer::Write { tool, file, text } => {
                let input = json!({ "file_path": file, "content": text });
                (
                    json!({ "type": "tool_use", "id": format!("toolu_{number}"), "name": tool, "input": input }),
                    json!({ "type": "input_json_delta", "partial_json": input.to_string() }),
                    "tool_use",
                )
            }
        };
        let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
        let message = |content: Value, reason: Value| {
            json!({
                "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": question["model"],
                "content": content, "stop_reason": reason, "stop_sequence": null, "usage": usage,
            })
        };
        if !streamed {
            return (JSON, message(json!([block]), json!(reason)).to_string());
        }
        let mut start = block;
        start[if reason == "tool_use" { "input" } else { "text" }] =
            if reason == "tool_use" { json!({}) } else { json!("") };
        let events = [
            json!({ "type": "message_start", "message": message(json!([]), Value::Null) }),
            json!({ "type": "content_block_start", "index": 0, "content_block": start }),
            json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({
                "type": "message_delta", "usage": { "output_tokens": 1 },
                "delta": { "stop_reason": reason, "stop_sequence": null },
            }),
            json!({ "type": "message_stop" }),
        ];
        let text = events.iter().map(|event| {
            format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
        });
        (EVENTS, text.collect())
    }
}

mod openai {
    use super::{Answer, Conversation, EVENTS, Value, json, messages, prompts};

    pub(super) fn respond(question: &Value, number: usize) -> (&'static str, String) {
        let conversation = Conversation {
            prompts: prompts(question),
            tool_has_spoken: messages(question)
                .next_back()
                .is_some_and(|message| message["role"] == "tool"),
        };
        let (message, reason) = match conversation.answer(question, "write") {
            Answer::Text(text) => (json!({ "role": "assistant", "content": text }), "stop"),
            Answer::Write { tool, file, text } => {
                let arguments = json!({ "filePath": file, "content": text }).to_string();
                let call = json!({
                    "index": 0, "id": format!("call_{number}"), "type": "function",
                    "function": { "name": tool, "arguments": arguments },
                });
                (
                    json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
                    "tool_calls",
                )
            }
        };
        let usage = json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 });
        let chunk = |delta: &Value, reason: Value| {
            json!({
                "id": format!("chatcmpl-{number}"), "object": "chat.completion.chunk", "created": 0,
                "model": question["model"], "usage": usage,
                "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }],
            })
        };
        let said = chunk(&message, Value::Null);
        let done = chunk(&json!({}), json!(reason));
        (EVENTS, format!("data: {said}\n\ndata: {done}\n\ndata: [DONE]\n\n"))
    }
}
