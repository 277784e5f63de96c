// Made by `flask socketio typescript`: what clients send and what they are sent.
//
//     const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
export {};
