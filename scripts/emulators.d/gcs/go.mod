// Builds the pinned emulator and what it needs, with the hashes in go.sum: see scripts/emulators.
module samovar/emulators/gcs

go 1.26

require github.com/fsouza/fake-gcs-server v1.56.1
