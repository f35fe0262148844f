// Package settings says where kubestep keeps its files, and gives every flag one name in three places: the command line
// (--data-dir), the environment (KUBESTEP_DATA_DIR) and the configuration file (data-dir: ...), which count in this
// order. A flag's default is the only default.
//
// Only cmd imports it; it imports nothing of ours.
package settings
