/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plugin data2vec: its elements, one line each. None has a rank: what a
 * stream is to be asked is nothing that a pipeline could guess. */

#include "gst/gstd2vmetajson.h"
#include "gst/gstd2vresult.h"
#include "gst/gstd2vtranscriber.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gst_d2v_result_register ();
  return gst_element_register (plugin, "d2vtranscriber", GST_RANK_NONE,
                               GST_TYPE_D2V_TRANSCRIBER)
         && gst_element_register (plugin, "d2vmetajson", GST_RANK_NONE,
                                  GST_TYPE_D2V_META_JSON);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, data2vec,
                   "Data2Vec models in pipelines", plugin_init, D2V_VERSION,
                   "LGPL", PACKAGE, "Unknown package origin")
