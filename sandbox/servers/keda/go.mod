module voiceagents.dev/sandbox/servers/keda

go 1.26

require github.com/kedacore/keda/v2 v2.18.1
