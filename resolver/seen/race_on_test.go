//go:build race

package seen

const raced = true
