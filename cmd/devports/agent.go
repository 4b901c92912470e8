package main

import "slices"

// agentVariables are set in the terminals in which coding agents run commands.
// Variables that people set themselves (CODEX_HOME, GOOSE_PROVIDER), or that the
// tool also sets in its users' terminals (CURSOR_TRACE_ID, REPL_ID), are not
// among them. Where each is documented, or read by a widely used detector:
//
//	AI_AGENT           github.com/vercel/vercel, packages/detect-agent
//	CLAUDECODE         code.claude.com/docs/en/env-vars
//	CODEX_…            github.com/unjs/std-env, src/agents.ts; github.com/aws/aws-cdk-cli, detect-agent.ts
//	CURSOR_AGENT       the same two
//	GEMINI_CLI         github.com/unjs/std-env, src/agents.ts
//	OPENCODE           github.com/anomalyco/opencode, issue 1775; std-env
//	AUGMENT_AGENT      std-env
//	CLINE_ACTIVE, ANTIGRAVITY_AGENT, COPILOT_CLI   read by several detectors, documented by none
var agentVariables = [...]string{
	"AI_AGENT", "CLAUDECODE", "CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED", "CODEX_THREAD_ID", "CODEX_CI",
	"CURSOR_AGENT", "GEMINI_CLI", "OPENCODE", "AUGMENT_AGENT", "CLINE_ACTIVE", "ANTIGRAVITY_AGENT", "COPILOT_CLI",
}

// agentVariable is the variable that shows that an agent runs this command; ""
// if none is set.
func (s session) agentVariable() string {
	i := slices.IndexFunc(agentVariables[:], s.isOn)
	if i < 0 {
		return ""
	}
	return agentVariables[i]
}

// inAgent reports whether an agent runs this command.
func (s session) inAgent() bool { return s.agentVariable() != "" }

// inCI reports whether a CI job runs this command.
func (s session) inCI() bool { return s.isOn("CI") }

// isOn reports whether a variable is set, and not to 0 or false.
func (s session) isOn(name string) bool {
	value := s.getenv(name)
	return value != "" && value != "0" && value != "false"
}

// unattended is the variable that shows that no person is at this terminal; ""
// if one may be. There is then no live view, no colour and no question.
func (s session) unattended() string {
	if s.inCI() {
		return "CI"
	}
	return s.agentVariable()
}

// noteBackground suggests up -d to an agent, which cannot use its terminal while
// up runs.
func (s session) noteBackground() {
	if s.inAgent() {
		s.note("up runs until it is stopped; to get this terminal back when all services are ready: devports up -d")
	}
}
