/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vmetajson.h: writes the results that buffers carry as lines of JSON. */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_D2V_META_JSON (gst_d2v_meta_json_get_type ())
G_DECLARE_FINAL_TYPE (GstD2vMetaJson, gst_d2v_meta_json, GST, D2V_META_JSON,
                      GstBaseTransform)

G_END_DECLS
