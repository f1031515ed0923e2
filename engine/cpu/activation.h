/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* activation.h: the activations in exact arithmetic. */
#pragma once

#include "engine/base/activation.h"

/* activation (x), as exact as double and the C library are. NaN stays NaN. */
gdouble d2v_activation_value (D2vActivation activation, gdouble x);
