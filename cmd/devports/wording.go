package main

import "github.com/devports/devports/internal/wording"

// Short names of what most messages need.
var (
	list    = wording.List
	count   = wording.Count
	oneLine = wording.OneLine
	shorten = wording.Shorten
	quoteSh = wording.QuoteSh
)
