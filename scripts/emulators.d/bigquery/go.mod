// Builds the pinned emulator and what it needs, with the hashes in go.sum: see scripts/emulators.
module samovar/emulators/bigquery

go 1.25.0

require github.com/goccy/bigquery-emulator v0.8.1
