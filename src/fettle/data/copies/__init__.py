"""Working copies: folders of the user's in which a version of a dataset lies, to be looked at and changed.

    ws.data.add("images")                         # links the folder to a dataset, stores and stages what is in it
    ws.data.status("images")                      # what changed since: a look at the disk, no database
    ws.data.commit("images", message="first")     # the staged tree becomes a version; a pointer file is for git
    ws.data.checkout("images", "main~1")          # another version into the folder; only changed files are touched

What is known of a copy lies in the workspace's own folder; in the user's folder lies nothing but data.
"""
