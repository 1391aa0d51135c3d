"""Rich menus: the buttons under the chat, by rank, state and language, kept in step with LINE."""
