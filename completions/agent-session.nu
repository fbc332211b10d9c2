module completions {

  def "nu-complete agent-session format" [] {
    [ "table" "json" ]
  }

  # Run AI coding agents in isolated containers, in terminal sessions that survive the terminal
  export extern agent-session [
    --format: string@"nu-complete agent-session format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete agent-session start format" [] {
    [ "table" "json" ]
  }

  # Create a session, or reattach to it
  export extern "agent-session start" [
    --agent(-a): string       # Agent to run [default: the session's, or a menu, or claude]
    --name(-n): string        # Name of the session [default: the project's, or default]
    --detach(-d)              # Do not attach
    --yes(-y)                 # Build a missing image without asking
    --mount: path             # Mount another path of the host's; may be repeated
    --env(-e): string         # Set a variable inside, or pass on the host's; may be repeated
    --format: string@"nu-complete agent-session start format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    ...paths: directory       # Directories of the host to work on [default: the current one]
  ]

  def "nu-complete agent-session stop format" [] {
    [ "table" "json" ]
  }

  # Stop sessions; they can be started again
  export extern "agent-session stop" [
    --all                     # Stop every session
    --format: string@"nu-complete agent-session stop format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    ...names: string          # Names of the sessions [default: the project's, or default]
  ]

  def "nu-complete agent-session restart format" [] {
    [ "table" "json" ]
  }

  # Start a stopped session and reattach, going on with the agent's conversation
  export extern "agent-session restart" [
    --detach(-d)              # Do not attach
    --format: string@"nu-complete agent-session restart format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    name?: string             # Name of the session [default: the project's, or default]
  ]

  def "nu-complete agent-session ls format" [] {
    [ "table" "json" ]
  }

  # List all sessions
  export extern "agent-session ls" [
    --format: string@"nu-complete agent-session ls format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete agent-session rm format" [] {
    [ "table" "json" ]
  }

  # Remove stopped sessions: container, home volume and secrets
  export extern "agent-session rm" [
    --force(-f)               # Do not ask
    --format: string@"nu-complete agent-session rm format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    ...names: string          # Names of the sessions [default: the project's, or default]
  ]

  def "nu-complete agent-session build format" [] {
    [ "table" "json" ]
  }

  # Build or rebuild agents' images
  export extern "agent-session build" [
    --all                     # Build every agent's image
    --no-cache                # Do every step again
    --base: string            # Stand on this image in place of Debian's
    --zellij: path            # Install this Zellij program in place of the pinned release
    --ca-certs: path          # Trust the CA certificates in this file (PEM or DER) besides the host's own additions; 'none' trusts neither
    --format: string@"nu-complete agent-session build format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    ...agents: string         # Names of the agents [default: claude]
  ]

  def "nu-complete agent-session agents format" [] {
    [ "table" "json" ]
  }

  # List the agents and whether each is ready
  export extern "agent-session agents" [
    --format: string@"nu-complete agent-session agents format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete agent-session inspect format" [] {
    [ "table" "json" ]
  }

  # Show everything about one session
  export extern "agent-session inspect" [
    --format: string@"nu-complete agent-session inspect format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    name?: string             # Name of the session [default: the project's, or default]
  ]

  def "nu-complete agent-session doctor format" [] {
    [ "table" "json" ]
  }

  # Find what stands in the way of sessions, and mend it
  export extern "agent-session doctor" [
    --fix                     # Run the commands that mend what was found
    --yes(-y)                 # Mend everything without asking
    --format: string@"nu-complete agent-session doctor format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete agent-session schema format" [] {
    [ "table" "json" ]
  }

  # Print the JSON Schema of a command's result
  export extern "agent-session schema" [
    --format: string@"nu-complete agent-session schema format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    command?: string          # Name of the command, or "error" for its failures
  ]

  def "nu-complete agent-session allow format" [] {
    [ "table" "json" ]
  }

  # Let a project's .agent-session.toml have its say
  export extern "agent-session allow" [
    --dry-run                 # Only show what would be allowed
    --format: string@"nu-complete agent-session allow format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    path?: directory          # A directory in the project [default: the current one]
  ]

  def "nu-complete agent-session deny format" [] {
    [ "table" "json" ]
  }

  # Ignore the project files of a directory and all below it
  export extern "agent-session deny" [
    --format: string@"nu-complete agent-session deny format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    path?: directory          # A directory [default: the project around]
  ]

  def "nu-complete agent-session status format" [] {
    [ "table" "json" ]
  }

  # Show the session of this directory's project and its state
  export extern "agent-session status" [
    --prompt                  # Print a few words for a prompt, from files alone
    --format: string@"nu-complete agent-session status format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete agent-session config format" [] {
    [ "table" "json" ]
  }

  # Show what settings hold here, and who said so
  export extern "agent-session config" [
    --format: string@"nu-complete agent-session config format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete agent-session config show format" [] {
    [ "table" "json" ]
  }

  # Show what holds for a session that is started here, and who said so
  export extern "agent-session config show" [
    --agent(-a): string       # Agent to run [default: the session's, or a menu, or claude]
    --name(-n): string        # Name of the session [default: the project's, or default]
    --detach(-d)              # Do not attach
    --yes(-y)                 # Build a missing image without asking
    --mount: path             # Mount another path of the host's; may be repeated
    --env(-e): string         # Set a variable inside, or pass on the host's; may be repeated
    --format: string@"nu-complete agent-session config show format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    ...paths: directory       # Directories of the host to work on [default: the current one]
  ]

  def "nu-complete agent-session config check format" [] {
    [ "table" "json" ]
  }

  # The same, once the agent, the mounts and the variables were found to be sound
  export extern "agent-session config check" [
    --agent(-a): string       # Agent to run [default: the session's, or a menu, or claude]
    --name(-n): string        # Name of the session [default: the project's, or default]
    --detach(-d)              # Do not attach
    --yes(-y)                 # Build a missing image without asking
    --mount: path             # Mount another path of the host's; may be repeated
    --env(-e): string         # Set a variable inside, or pass on the host's; may be repeated
    --format: string@"nu-complete agent-session config check format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    ...paths: directory       # Directories of the host to work on [default: the current one]
  ]

  def "nu-complete agent-session project format" [] {
    [ "table" "json" ]
  }

  # Write a project's .agent-session.toml
  export extern "agent-session project" [
    --format: string@"nu-complete agent-session project format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete agent-session project init format" [] {
    [ "table" "json" ]
  }

  # Write a commented .agent-session.toml; one that is there stays as it is
  export extern "agent-session project init" [
    --format: string@"nu-complete agent-session project init format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    path?: directory          # The project's root [default: the current directory]
  ]

  def "nu-complete agent-session enter format" [] {
    [ "table" "json" ]
  }

  # Do what a project asks for when a shell enters it
  export extern "agent-session enter" [
    --again                   # Say nothing of a project that is not allowed: this shell has said it before
    --format: string@"nu-complete agent-session enter format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    root: directory           # The directory with the project's file
  ]

  def "nu-complete agent-session init shell" [] {
    [ "bash" "zsh" "fish" "nu" ]
  }

  def "nu-complete agent-session init format" [] {
    [ "table" "json" ]
  }

  # Print a shell's hook, which brings you into a project's session as you go there
  export extern "agent-session init" [
    --format: string@"nu-complete agent-session init format" # Form of the result
    --json                    # Print JSON: the same as --format json
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete agent-session init shell" # The shell that is to read it
  ]

}

export use completions *
