//! The plugin for Nushell: `plugin add nu_plugin_agent_session`.

use agent_session::nu::AgentSession;
use nu_plugin::{MsgPackSerializer, serve_plugin};

fn main() {
    serve_plugin(&AgentSession, MsgPackSerializer);
}
