"""The versioning engine: content-addressed files, trees and packs in a blob store; no database, no frames."""
