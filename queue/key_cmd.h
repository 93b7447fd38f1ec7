/* key_cmd.h - quail key: a key pair, its certificate, its pin
 *
 * Source  doc/quail-key.1
 * Test    tests/tls.t
 */
#ifndef QUAIL_QUEUE_KEY_CMD_H
#define QUAIL_QUEUE_KEY_CMD_H

/* key_command - the subcommand; see command.h */
int
key_command(int argc, char **argv);

#endif
