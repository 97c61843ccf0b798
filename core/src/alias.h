/* Aliases: other names of queues, resolved by sb_queue_resolve() only. */
#ifndef SB_ALIAS_H
#define SB_ALIAS_H

#include "broker.h"
#include "simplebroker.h"

/* Makes the alias version greater than it was; part of every change of an alias. */
sb_status sb__alias_version_raise(sb__call *call);

#endif
