/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_material - who this agent is: certificate, key, authorities, from
 * files.
 */
#ifndef AGENTLINK_AGENTLINK_MATERIAL_H
#define AGENTLINK_AGENTLINK_MATERIAL_H

#include "agentlink/agentlink.h"
#include "lib/tls/tls_config.h"

/*
 * Load the three PEM files; the caller owns *tls.  The agent's identity and
 * the machine's names are filled into *settings, whose strings are valid for
 * the life of the program.  On failure `why` gets a sentence and the code is
 * ERR_NOENT (a file is missing), ERR_DENIED or ERR_INVAL.
 */
int agentlink_material_load(const char *certificate, const char *key,
    const char *ca, struct agentlink_settings *settings, char *why,
    size_t why_size, struct tls_config **tls);

#endif
