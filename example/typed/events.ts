// Made by `flask socketio typescript`: what clients send and what they are sent.
//
//     const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();

/** The ack of an event whose payload is not of the types below. */
export interface Refused {
  error: string;
  fields: { argument: string; field: string; problem: string }[];
}

/** What somebody has written. */
export interface NewNote {
  text: string;
  colour?: "blue" | "green" | "yellow";
}

/** A note on the board. */
export interface Note {
  number: number;
  text: string;
  colour: "blue" | "green" | "yellow";
}

/** Namespace / */
export interface ServerToClientEvents {
  noted: (data: Note) => void;
  everything: (data: Note[]) => void;
}

/** Namespace / */
export interface ClientToServerEvents {
  /** Put a note on the board; answers with its number. */
  note: (new_: NewNote, ack: (answer: number | Refused) => void) => void;
}
