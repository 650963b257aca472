<?php
// A must-use plug-in: comments come in quick succession here, and nobody is written to.
add_action( 'init', function () { remove_all_filters( 'wp_is_comment_flood' ); remove_all_filters( 'check_comment_flood' ); } );
add_filter( 'pre_wp_mail', '__return_true' );

// What newer versions of the Akismet plug-in do, by the protocol: name a callback with each check, know the comment by the
// guid of the answer, and take later decisions. Written for the tests; nothing of it is theirs.
add_filter( 'http_request_args', function ( $args, $url ) {
	if ( 'rest.akismet.com' === parse_url( $url, PHP_URL_HOST ) && '/1.1/comment-check' === parse_url( $url, PHP_URL_PATH ) ) {
		$args['body'] .= '&callback=' . rawurlencode( get_rest_url( null, 'akismet/v1/webhook' ) );
	}
	return $args;
}, 10, 2 );
add_filter( 'http_response', function ( $response ) {
	$GLOBALS['tests_guid'] = wp_remote_retrieve_header( $response, 'x-akismet-guid' );
	return $response;
} );
add_action( 'comment_post', function ( $id ) { update_comment_meta( $id, 'tests_guid', $GLOBALS['tests_guid'] ); } );
add_action( 'rest_api_init', function () {
	register_rest_route( 'akismet/v1', '/webhook', array(
		'methods'             => 'POST',
		'permission_callback' => function ( $request ) { return $request['key'] === get_option( 'wordpress_api_key' ); },
		'callback'            => 'tests_take_decisions',
	) );
} );

function tests_take_decisions( $request ) {
	$answer = array();
	foreach ( $request['comments'] as $one ) {
		$found = get_comments( array( 'meta_key' => 'tests_guid', 'meta_value' => $one['guid'], 'status' => 'any' ) );
		foreach ( $found as $comment ) {
			wp_set_comment_status( $comment, 'true' === $one['result'] ? 'spam' : 'approve' );
		}
		$answer[ $one['guid'] ] = array( 'status' => $found ? 'success' : 'error' );
	}
	return array( 'comments' => $answer );
}
