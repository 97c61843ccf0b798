/* Operand protection of write and broadcast: their messages may begin with '-'. */
#ifndef BROKER_CLI_OPERANDS_H
#define BROKER_CLI_OPERANDS_H

#include "args.h"

/* Both put a "--" before the first token that has to be taken literally. */
bool protect_write(struct tokens *out, int argc, char **argv);
bool protect_broadcast(struct tokens *out, int argc, char **argv);

#endif
